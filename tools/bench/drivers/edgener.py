"""This project's recognizer."""

from __future__ import annotations

from collections.abc import Sequence

from edgener import Recognizer
from tools.bench.contract import Options, Span


class EdgenerModel:
    """Recognizer with the bundle of the options."""

    def __init__(self, options: Options) -> None:
        self._recognizer = Recognizer.load(options.bundle, threads=options.threads)

    def one(self, text: str) -> list[Span]:
        """Recognize one text by a call."""
        return [(entity.start, entity.end, entity.label) for entity in self._recognizer(text)]

    def many(self, texts: Sequence[str]) -> list[list[Span]]:
        """Recognize texts by ``batch``."""
        return [
            [(entity.start, entity.end, entity.label) for entity in entities]
            for entities in self._recognizer.batch(texts)
        ]


def load(options: Options) -> EdgenerModel:
    """The bundle."""
    return EdgenerModel(options)
