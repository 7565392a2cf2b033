"""Rules that correct the spans of a text after decoding, each a function of the text and its spans alone."""

from __future__ import annotations

from collections.abc import Iterable
from unicodedata import category

from edgener.decode import ScoredSpan
from edgener.tags import Span


def include_marks(text: str, spans: Iterable[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans with the combining marks and variation selectors that follow their last character.

    ``spans`` are code points of ``text``, ascending. A mark belongs to the character before it: no span starts with
    one, and a span of nothing else is left out.
    """
    result = []
    for (start, end, label), score in spans:
        first, last = _after_marks(text, start), _after_marks(text, end)
        if first < end:
            result.append(ScoredSpan(Span(first, last, label), score))
    return result


def _after_marks(text: str, position: int) -> int:
    while position < len(text) and category(text[position]).startswith("M"):
        position += 1
    return position
