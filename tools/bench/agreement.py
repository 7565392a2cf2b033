"""Agreement of spans with the labels: exact, and by looser measures for those who follow another guideline."""

from __future__ import annotations

from collections.abc import Sequence

from edgener.tags import Span as LabelledSpan
from edgener_export.corpus.sentence import Sentence
from edgener_export.evaluation.score import overlap_f1, score_spans
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


def _longer(spans: Sequence[LabelledSpan]) -> list[LabelledSpan]:
    return [span for span in spans if span.end - span.start >= LONGER]
