"""Sentences that quantization turned from right to wrong, and from wrong to right."""

from __future__ import annotations

from collections.abc import Sequence

from edgener.tags import Span
from edgener_export.corpus.sentence import Sentence
from edgener_export.evaluation.recognize import SpanPair
from edgener_export.report.record import Changes, LostExample, Mark

MOST_EXAMPLES = 20


def compare(sentences: Sequence[Sentence], before: Sequence[SpanPair], after: Sequence[SpanPair]) -> Changes:
    """Compare the (expected, found) spans of ``sentences`` by the fp32 graph with those by the int8 graph."""
    lost: list[LostExample] = []
    won = 0
    for sentence, (expected, by_fp32), (_, by_int8) in zip(sentences, before, after, strict=True):
        was_right, is_right = set(by_fp32) == set(expected), set(by_int8) == set(expected)
        won += is_right and not was_right
        if was_right and not is_right:
            lost.append(LostExample(sentence.text, _marks(expected), _marks(by_int8)))
    return Changes(len(lost), won, tuple(lost[:MOST_EXAMPLES]))


def _marks(spans: Sequence[Span]) -> tuple[Mark, ...]:
    return tuple(Mark(*span) for span in sorted(spans))
