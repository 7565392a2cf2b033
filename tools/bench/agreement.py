"""Agreement of spans with the labels: exact, and by looser measures for those who follow another guideline."""

from __future__ import annotations

from collections.abc import Sequence

from edgener.tags import Span as LabelledSpan
from edgener_export.corpus.sentence import Sentence
from edgener_export.evaluation.score import score_spans
from tools.bench.contract import Span
from tools.bench.results import Quality

LONGER = 2
"""Code points."""


def quality(sentences: Sequence[Sentence], found: Sequence[Sequence[Span]]) -> Quality:
    """Score the spans found in each sentence against the sentence's labels."""
    pairs = [
        (list(sentence.spans), [LabelledSpan(*span) for span in spans])
        for sentence, spans in zip(sentences, found, strict=True)
    ]
    exact = score_spans(pairs)
    longer = score_spans([(_longer(expected), _longer(predicted)) for expected, predicted in pairs])
    return Quality(exact.precision, exact.recall, exact.f1, longer.f1, overlap_f1(pairs))


def overlap_f1(pairs: Sequence[tuple[Sequence[LabelledSpan], Sequence[LabelledSpan]]]) -> float:
    """F1 where a span is right when it shares a code point with any of its type on the other side."""
    right_expected = right_predicted = 0
    for expected, predicted in pairs:
        right_expected += sum(any(_overlap(span, other) for other in predicted) for span in expected)
        right_predicted += sum(any(_overlap(span, other) for other in expected) for span in predicted)
    precision = _percent(right_predicted, sum(len(predicted) for _, predicted in pairs))
    recall = _percent(right_expected, sum(len(expected) for expected, _ in pairs))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _longer(spans: Sequence[LabelledSpan]) -> list[LabelledSpan]:
    return [span for span in spans if span.end - span.start >= LONGER]


def _overlap(a: LabelledSpan, b: LabelledSpan) -> bool:
    return a.label == b.label and a.start < b.end and b.start < a.end


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
