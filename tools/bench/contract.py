"""The contract of measuring process and driver. Standard library only: every contender's environment imports it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

Span = tuple[int, int, str]
"""Half-open code-point range in the sentence, and PER, LOC or ORG."""


class Options(NamedTuple):
    """Options of a driver."""

    threads: int
    """Cores to compute on, where the contender lets one choose."""
    bundle: str
    """Directory of an edgener bundle: the model, or only its tokenizer."""
    scratch: str
    """Directory for what the driver has to write before it can load."""
    layers: int
    """Number of layers of a model with random weights."""


class Model(Protocol):
    """A loaded contender."""

    def one(self, text: str) -> list[Span]:
        """Entities of a sentence."""

    def many(self, texts: Sequence[str]) -> list[list[Span]]:
        """Entities of several sentences, the way the contender likes to be given them."""


class Driver(Protocol):
    """A module of ``tools.bench.drivers``; importing it imports the contender."""

    def prepare(self, options: Options) -> None:
        """Write what ``load`` needs, once; not measured."""

    def load(self, options: Options) -> Model:
        """The contender, ready to answer."""


def spans_of_words(text: str, words: Sequence[tuple[str, str]], labels: dict[str, str]) -> list[Span]:
    """Spans of a word segmenter's answer: its words in order, each with a tag that ``labels`` may know."""
    spans, position = [], 0
    for word, tag in words:
        start = text.find(word, position)
        if start < 0:
            continue
        position = start + len(word)
        if tag in labels:
            spans.append((start, position, labels[tag]))
    return spans
