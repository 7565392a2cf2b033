"""The code that word segmenters share: one sentence at a time, words with part-of-speech tags, one thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tools.bench.contract import Span, spans_of_words

Cut = Callable[[str], Sequence[tuple[str, str]]]


class SegmenterModel:
    """A function from a text to (word, tag) pairs, and what its tags mean."""

    def __init__(self, cut: Cut, labels: dict[str, str]) -> None:
        self._cut, self._labels = cut, labels

    def one(self, text: str) -> list[Span]:
        """Words whose tag is known."""
        return spans_of_words(text, self._cut(text), self._labels)

    def many(self, texts: Sequence[str]) -> list[list[Span]]:
        """One after the other: there is no other way."""
        return [self.one(text) for text in texts]
