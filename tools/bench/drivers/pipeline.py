"""The code that the transformers pipelines share: entities of a token classification pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tools.bench.contract import Span

BATCH = 8


class PipelineModel:
    """A pipeline with ``aggregation_strategy="simple"``."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def one(self, text: str) -> list[Span]:
        """A call with a string."""
        return _spans(self._pipeline(text))

    def many(self, texts: Sequence[str]) -> list[list[Span]]:
        """A call with a list and a batch size."""
        return [_spans(entities) for entities in self._pipeline(list(texts), batch_size=BATCH)]


def _spans(entities: list[dict[str, Any]]) -> list[Span]:
    return [(entity["start"], entity["end"], entity["entity_group"]) for entity in entities]
