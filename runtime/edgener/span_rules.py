"""Rules that correct the spans of a text after decoding, each a function of the text and its spans alone.

Spans are half-open ranges of code points of the text, ascending, and never overlap, before a rule and after it.
``include_marks`` holds for every bundle; the others are used by bundles that name them in their manifest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from unicodedata import category

from edgener.aliases import IDEOGRAPH
from edgener.segmentation import INSIDE_WORD, WORD_CHARACTERS
from edgener.tags import ScoredSpan, Span

Rule = Callable[[str, Sequence[ScoredSpan]], list[ScoredSpan]]

PERSON = "PER"
SIGNS = "@＠#＃"
_CLOSING = dict(zip("「『“‘《〈（(【〔［[", "」』”’》〉）)】〕］]", strict=True))
"""The mark that closes what each mark opens: a quotation, a title or a bracket."""
_OPENING = {closing: opening for opening, closing in _CLOSING.items()}
ITEM_NUMBER = re.compile(r"[（(]?[〇○零一二三四五六七八九十百0-9０-９]{1,5}(?:[）)]、?|、)")
"""The number of an item of a list or an agenda, as in 三七一、 or （四）."""
_DOT = "[·•・‧]"
_ORDINAL = "[甲乙丙丁戊己庚辛壬癸]"
MASKED_NAME = re.compile(
    rf"""
    (?: 某某 | 某(?![个些天日年月晚夜次种时处]) | (?<=某)(?={_ORDINAL}) ) {_ORDINAL}?
        (?: {_DOT} [{IDEOGRAPH}]{{1,4}}? 某{{1,2}} )*
    | (?<![×＊*].) (?: [×＊*]{{2,3}} | [×＊*](?![{IDEOGRAPH}]) | [Xx]{{1,2}}(?![{re.escape(WORD_CHARACTERS)}]) )
    """,
    re.VERBOSE,
)
"""The masked rest of a person's name: 某, 某某, 某甲, 某·赛某, or signs after a single character that none precedes."""
_COUNTED = (
    "[％%‰.．:：/~～+年月日号时点秒周天岁次个件元角万千百十亿余克斤吨公毫米里两包小袋瓶盒箱片粒颗块条根张把台辆部套只枚处笔间栋户"
    "楼层室级度届期篇页项款本份场句拳脚刀下步倍成-]|人(?![民身])|名(?![下义])|分(?![别得割])|多(?!次)|支(?!付)"
)
"""Text after a number that counts something, as in 给张某3克, which a name's number is not, as in 张某1支付."""
NAME_NUMBER = re.compile(rf"(?<=某)(?:[0-9０-９]{{1,2}}(?!{_COUNTED})|[A-ZＡ-Ｚ])(?![{re.escape(WORD_CHARACTERS)}])")
"""The number or letter that tells people of one masked name apart, as in 张某1 and 周某A."""
LAUGHTER = re.compile(r"[哈呵嘻嘿啊呜嗷噗噢哦嗯呃咦哇]{2,}|(?:h[aeio]){2,}h?|w{3,}|23{2,}|(?:lo)+l", re.IGNORECASE)
"""Text that consists of laughter or of other sounds of chats."""


def include_marks(text: str, spans: Iterable[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans with the combining marks and variation selectors that follow their last character.

    A mark belongs to the character before it: no span starts with one, and a span of nothing else is left out.
    """
    result = []
    for (start, end, label), score in spans:
        first, last = _after_marks(text, start), _after_marks(text, end)
        if first < end:
            result.append(ScoredSpan(Span(first, last, label), score))
    return result


def without_signs(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans without the @ and # at their ends; a span of nothing else is left out."""

    def ends(start: int, end: int) -> tuple[int, int]:
        found = text[start:end]
        return end - len(found.lstrip(SIGNS)), start + len(found.rstrip(SIGNS))

    return _trimmed(spans, ends)


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

    return _trimmed(spans, ends)


def without_item_numbers(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans without the number of an item before them, as in 三七一、內政委員會.

    A span of nothing else is left out.
    """

    def ends(start: int, end: int) -> tuple[int, int]:
        number = ITEM_NUMBER.match(text, start, end)
        return number.end() if number else start, end

    return _trimmed(spans, ends)


def whole_words(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans extended to the ends of the Latin words and numbers that they cut.

    Where several spans meet in one word, the most certain of them stays.
    """
    result: list[ScoredSpan] = []
    for (start, end, label), score in spans:
        if start and INSIDE_WORD.match(text, start - 1):
            start = len(text[:start].rstrip(WORD_CHARACTERS))
        if INSIDE_WORD.match(text, end - 1):
            end = len(text) - len(text[end:].lstrip(WORD_CHARACTERS))
        if not result or result[-1].span.end <= start:
            result.append(ScoredSpan(Span(start, end, label), score))
        elif result[-1].score < score:
            result[-1] = ScoredSpan(Span(start, end, label), score)
    return result


def masked_names(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans, with the names of people extended over their masked rest, as in 张某某, 李某甲 and 王**.

    A span of another type that the rest reaches into keeps the name from being extended.
    """
    result: list[ScoredSpan] = []
    for number, (span, score) in enumerate(spans):
        if result and span.start < result[-1].span.end:
            continue  # inside of a masked name
        end = span.end
        if span.label == PERSON and (rest := MASKED_NAME.match(text, end)):
            is_sign = not rest[0].startswith("某") and rest[0][:1] not in "甲乙丙丁戊己庚辛壬癸"
            reached = [other.span for other in spans[number + 1 :] if other.span.start < rest.end()]
            is_free = all(other.label == PERSON and other.end <= rest.end() for other in reached)
            if is_free and not (is_sign and end - span.start > 1):
                end = rest.end()
        result.append(ScoredSpan(span._replace(end=end), score))
    return result


def numbered_names(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans, with masked names of people extended over their number or letter, as in 张某1 and 周某A.

    It stays outside where the next span reaches into it.
    """
    limits = [*(span.start for span, _ in spans[1:]), len(text)]
    result = []
    for (span, score), limit in zip(spans, limits, strict=False):
        number = NAME_NUMBER.match(text, span.end) if span.label == PERSON else None
        if number and number.end() <= limit:
            span = span._replace(end=number.end())
        result.append(ScoredSpan(span, score))
    return result


def no_laughter(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans but for those that consist of laughter, such as 哈哈哈, hahaha, www or 233."""
    return [found for found in spans if not LAUGHTER.fullmatch(text, found.span.start, found.span.end)]


SPAN_RULES: dict[str, Rule] = {
    "without_signs": without_signs,
    "without_lone_marks": without_lone_marks,
    "without_item_numbers": without_item_numbers,
    "whole_words": whole_words,
    "masked_names": masked_names,
    "numbered_names": numbered_names,
    "no_laughter": no_laughter,
}
"""The rules that a manifest can name."""


def apply_rules(names: Sequence[str], text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans after the named rules, in their order, with ``include_marks`` before and after them."""
    corrected = include_marks(text, spans)
    for name in names:
        if corrected:
            corrected = SPAN_RULES[name](text, corrected)
    return include_marks(text, corrected) if names else corrected


def _trimmed(spans: Iterable[ScoredSpan], ends: Callable[[int, int], tuple[int, int]]) -> list[ScoredSpan]:
    """Return the spans with the start and end that ``ends`` gives for theirs, without those that become empty."""
    result = []
    for (start, end, label), score in spans:
        first, last = ends(start, end)
        if first < last:
            result.append(ScoredSpan(Span(first, last, label), score))
    return result


def _after_marks(text: str, position: int) -> int:
    while position < len(text) and category(text[position]).startswith("M"):
        position += 1
    return position
