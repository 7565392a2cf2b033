"""Marks, signs and numbers of items at the ends of spans."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from unicodedata import category

from edgener.span_rules.edits import trimmed
from edgener.tags import ScoredSpan, Span

SIGNS = "@＠#＃"
SEPARATORS = "·・•‧∙⋅-－–—~～&＆,，、;；:：/／|｜丨<>＜＞★●◆▪■→⇒=﹑､。〜⸺⁓⸱︐︑︒†‡ \t\u3000\u2800\u3164\ufffc"
"""Signs that separate names, and with which none begins or ends."""
_CLOSING = dict(zip("「『“‘《〈（(【〔［[﹁﹃｢«{｛︵︽", "」』”’》〉）)】〕］]﹂﹄｣»}｝︶︾", strict=True))
"""The mark that closes what each mark opens: a quotation, a title or a bracket."""
_OPENING = {closing: opening for opening, closing in _CLOSING.items()}
ITEM_NUMBER = re.compile(r"[（(]?[〇○零一二三四五六七八九十百0-9０-９]{1,5}(?:[）)]、?|、)")
"""The number of an item of a list or an agenda, as in 三七一、 or （四）."""


def include_marks(text: str, spans: Iterable[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans with the combining marks and variation selectors that follow their last character.

    A mark belongs to the character before it: no span starts with one, and a span of nothing else is left out.
    """
    result = []
    for found in spans:
        (start, end, label), score = found
        first, last = _after_marks(text, start), _after_marks(text, end)
        if first == start and last == end:
            result.append(found)
        elif first < end:
            result.append(ScoredSpan(Span(first, last, label), score))
    return result


def without_signs(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans without the @ and # at their ends; a span of nothing else is left out."""
    return _stripped(text, spans, SIGNS)


def without_separators(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans without the signs at their ends that separate names, as in 张伟★李娜★王芳.

    A span of nothing else is left out.
    """
    return _stripped(text, spans, SEPARATORS)


def without_lone_marks(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans without the marks at their ends whose partners they do not hold, such as 「 before 台糖公司.

    Marks are those of quotations, titles and brackets; a span of nothing else is left out.
    """

    def ends(start: int, end: int) -> tuple[int, int]:
        while start < end and text[start] in _CLOSING and text.find(_CLOSING[text[start]], start, end) < 0:
            start += 1
        while start < end and text[end - 1] in _OPENING and text.find(_OPENING[text[end - 1]], start, end) < 0:
            end -= 1
        return start, end

    return trimmed(spans, ends)


def without_item_numbers(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans without the number of an item before them, as in 三七一、內政委員會.

    A span of nothing else is left out.
    """
    if not ("、" in text or "）" in text or ")" in text):
        return list(spans)

    def ends(start: int, end: int) -> tuple[int, int]:
        number = ITEM_NUMBER.match(text, start, end)
        return number.end() if number else start, end

    return trimmed(spans, ends)


def _after_marks(text: str, position: int) -> int:
    while position < len(text) and category(text[position]).startswith("M"):
        position += 1
    return position


def _stripped(text: str, spans: Iterable[ScoredSpan], signs: str) -> list[ScoredSpan]:
    """Return the spans without the ``signs`` at their ends; a span of nothing else is left out."""

    def ends(start: int, end: int) -> tuple[int, int]:
        if text[start] not in signs and text[end - 1] not in signs:
            return start, end
        found = text[start:end]
        return end - len(found.lstrip(signs)), start + len(found.rstrip(signs))

    return trimmed(spans, ends)
