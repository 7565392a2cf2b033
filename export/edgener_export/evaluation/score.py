"""Exact-span precision, recall and F1 (CoNLL-2003's measure: a span counts only with both ends and its type right)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgener.tags import Span
from edgener_export.corpus.overlaps import overlap


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


def overlap_f1(pairs: Iterable[tuple[Sequence[Span], Sequence[Span]]]) -> float:
    """Return the F1 in percent of (expected, predicted) pairs, one a sentence, where an overlap is enough.

    A span is right if it shares a code point with any of its type on the other side.
    """
    right_expected = right_predicted = all_expected = all_predicted = 0
    for expected, predicted in pairs:
        right_expected += sum(any(_agree(span, other) for other in predicted) for span in expected)
        right_predicted += sum(any(_agree(span, other) for other in expected) for span in predicted)
        all_expected += len(expected)
        all_predicted += len(predicted)
    if not right_predicted:
        return 0.0
    precision, recall = right_predicted / all_predicted, right_expected / all_expected
    return 200 * precision * recall / (precision + recall)


def _agree(one: Span, other: Span) -> bool:
    return one.label == other.label and overlap(one, other)
