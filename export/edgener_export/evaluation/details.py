"""Scores in detail: by type with averages as seqeval has them, seen and unseen entities, and kinds of errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from edgener.tags import Span
from edgener_export.corpus.overlaps import overlap
from edgener_export.corpus.sentence import Sentence
from edgener_export.evaluation.bootstrap import Interval, exact_counts, f1_interval
from edgener_export.evaluation.recognize import SpanPair
from edgener_export.evaluation.score import score_spans

MICRO, MACRO, WEIGHTED = "micro avg", "macro avg", "weighted avg"
SEEN, UNSEEN = "seen in training", "not seen"


@dataclass(frozen=True)
class Figures:
    """Precision, recall and F1 in percent."""

    precision: float
    recall: float
    f1: float
    support: int
    """Expected entities."""
    interval: Interval | None = None
    """Bootstrap interval of the F1 over sentences; None for an average of types."""


@dataclass(frozen=True)
class TypeFigures:
    """The figures of each type, and their averages, which a type may have the name of."""

    types: dict[str, Figures]
    """Figures by type, in alphabetical order."""
    averages: dict[str, Figures]
    """Figures by the name of the average: MICRO, MACRO and WEIGHTED."""


@dataclass(frozen=True)
class Errors:
    """Numbers of expected and of found entities by what is wrong with them; each is counted once."""

    right: int
    """Expected entities that were found exactly."""
    boundary: int
    """Expected entities of which one of the right type was found, with other ends."""
    type: int
    """Expected entities of which one with the same ends was found, with another type."""
    both: int
    """Expected entities that overlap only found ones with other ends and another type."""
    missed: int
    """Expected entities that overlap no found one."""
    invented: int
    """Found entities that overlap no expected one."""


def figures_by_type(pairs: Sequence[SpanPair]) -> TypeFigures:
    """Return the figures of each type, and their averages.

    Types are those of expected and found entities; averages are micro, macro (all types alike) and weighted by the
    number of expected entities: the figures of seqeval's classification report.
    """
    labels = sorted({span.label for pair in pairs for spans in pair for span in spans})
    by_type = {label: _figures(pairs, label) for label in labels}
    averages = {
        MICRO: _figures(pairs),
        MACRO: _average(by_type.values(), [1] * len(by_type)),
        WEIGHTED: _average(by_type.values(), [figures.support for figures in by_type.values()]),
    }
    return TypeFigures(by_type, averages)


def figures_by_acquaintance(
    sentences: Sequence[Sentence], pairs: Sequence[SpanPair], training: Iterable[Sentence]
) -> dict[str, Figures]:
    """Return the figures of the entities whose text is one of the same type in the training data, and of the others."""
    known = {(sentence.text[start:end], label) for sentence in training for start, end, label in sentence.spans}

    def part(is_seen: bool) -> list[SpanPair]:
        return [
            (_acquainted(sentence, expected, known, is_seen), _acquainted(sentence, found, known, is_seen))
            for sentence, (expected, found) in zip(sentences, pairs, strict=True)
        ]

    return {SEEN: _figures(part(is_seen=True)), UNSEEN: _figures(part(is_seen=False))}


def count_errors(pairs: Iterable[SpanPair]) -> Errors:
    """Count (expected, found) pairs, one a sentence, by kind of error."""
    counts: Counter[str] = Counter()
    for expected, found in pairs:
        counts.update(_kind(span, found) for span in expected)
        counts["invented"] += sum(not any(overlap(span, other) for other in expected) for span in found)
    return Errors(
        counts["right"], counts["boundary"], counts["type"], counts["both"], counts["missed"], counts["invented"]
    )


def _kind(span: Span, found: Sequence[Span]) -> str:
    """Return the field of Errors that an expected entity counts in."""
    near = [other for other in found if overlap(span, other)]
    if span in near:
        return "right"
    if any(other[:2] == span[:2] for other in near):
        return "type"
    if any(other.label == span.label for other in near):
        return "boundary"
    return "both" if near else "missed"


def _acquainted(
    sentence: Sentence, spans: Sequence[Span], known: Collection[tuple[str, str]], is_seen: bool
) -> list[Span]:
    return [span for span in spans if ((sentence.text[span.start : span.end], span.label) in known) == is_seen]


def _figures(pairs: Sequence[SpanPair], label: str | None = None) -> Figures:
    score, interval = score_spans(pairs, label), f1_interval(exact_counts(pairs, label))
    return Figures(score.precision, score.recall, score.f1, score.expected, interval)


def _average(figures: Collection[Figures], weights: Sequence[int]) -> Figures:
    """Return the weighted mean of the figures; of nothing, zeros."""
    total = sum(weights) or 1

    def mean(values: Iterable[float]) -> float:
        return sum(value * weight for value, weight in zip(values, weights, strict=True)) / total

    return Figures(
        mean(it.precision for it in figures),
        mean(it.recall for it in figures),
        mean(it.f1 for it in figures),
        sum(it.support for it in figures),
    )
