"""Exact-span precision, recall and F1 (CoNLL-2003's measure: a span counts only with both ends and its type right)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgener.tags import Span


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over a corpus, micro-averaged."""

    correct: int
    predicted: int
    expected: int

    @property
    def precision(self) -> float:
        """The share of the predicted spans that are right, in percent."""
        return 100 * self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """The share of the expected spans that were found, in percent."""
        return 100 * self.correct / self.expected if self.expected else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, in percent."""
        return 200 * self.correct / (self.predicted + self.expected) if self.correct else 0.0

    def __str__(self) -> str:
        return f"P {self.precision:5.2f}  R {self.recall:5.2f}  F1 {self.f1:5.2f}  ({self.expected} spans)"


def score_spans(pairs: Iterable[tuple[Iterable[Span], Iterable[Span]]], label: str | None = None) -> Score:
    """Score of (expected, predicted) pairs, one a sentence; only those of one type where ``label`` is given."""
    correct = predicted = expected = 0
    for expected_spans, predicted_spans in pairs:
        right = {span for span in expected_spans if label in (None, span.label)}
        found = {span for span in predicted_spans if label in (None, span.label)}
        correct += len(right & found)
        predicted += len(found)
        expected += len(right)
    return Score(correct, predicted, expected)
