"""Two models on the same sentences: the difference of their F1, its significance, and the sentences that changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgener.tags import Span
from edgener_export.evaluation.bootstrap import exact_counts, significance
from edgener_export.evaluation.score import score_spans
from edgener_export.evaluation.suite import LabelledSet, counted_pairs


@dataclass(frozen=True)
class Change:
    """A sentence to which two models give different answers, of which one is better."""

    text: str
    expected: tuple[Span, ...]
    before: tuple[Span, ...]
    after: tuple[Span, ...]
    gain: int
    """Wrong spans that are gone and right ones that are there now, less the opposite; below 0 if it became worse."""


@dataclass(frozen=True)
class Comparison:
    """The scores of two models on one set."""

    data: str
    sentences: int
    before: float
    """F1 of the first model in percent."""
    after: float
    """F1 of the second model in percent."""
    significance: float
    """Probability of such a difference if both were equally good (approximate randomization)."""
    changes: tuple[Change, ...]
    """Sentences that became better or worse; the largest changes first."""

    @property
    def won(self) -> int:
        """Return the number of sentences that became better."""
        return sum(change.gain > 0 for change in self.changes)

    @property
    def lost(self) -> int:
        """Return the number of sentences that became worse."""
        return len(self.changes) - self.won


def compare(labelled: LabelledSet, before: Sequence[Sequence[Span]], after: Sequence[Sequence[Span]]) -> Comparison:
    """Compare what two models found in the sentences of a set, counted as ``evaluate --suite`` counts it."""
    one, other = counted_pairs(labelled, before), counted_pairs(labelled, after)
    changes = []
    for sentence, (_, first), (_, second) in zip(labelled.sentences, one, other, strict=True):
        expected = set(sentence.spans)
        gain = len(set(first) ^ expected) - len(set(second) ^ expected)
        if gain:
            changes.append(Change(sentence.text, sentence.spans, tuple(first), tuple(second), gain))
    return Comparison(
        data=labelled.name,
        sentences=len(labelled.sentences),
        before=score_spans(one).f1,
        after=score_spans(other).f1,
        significance=significance(exact_counts(one), exact_counts(other)),
        changes=tuple(sorted(changes, key=lambda change: -abs(change.gain))),
    )
