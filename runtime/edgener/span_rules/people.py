"""Names of people: those that a court has masked, and foreign ones with a hyphen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from edgener.aliases import IDEOGRAPH
from edgener.segmentation import WORD_CHARACTERS
from edgener.span_rules.edits import PERSON, extended, joined
from edgener.span_rules.sounds import is_foreign, is_short_chinese
from edgener.tags import ScoredSpan, Span

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
    "|[，,][0-9０-９]{3}|[美港欧歐日韩韓]元|[美港][币金]|[仟佰拾萬头頭棵亩畝平股桶罐家种種]|\ufe0f?\u20e3"
)
"""Text after a number that counts something, as in 给张某3克, which a name's number is not, as in 张某1支付."""
_OF_A_TERM = "[超光歌恤站信股座级級型类類证證照牌区區#＃号號]"
"""Text after a letter that begins a term, as in 给周某B超检查."""
NAME_NUMBER = re.compile(
    rf"(?<=某)(?:[0-9０-９]{{1,2}}(?!{_COUNTED})|[A-ZＡ-Ｚ](?!{_OF_A_TERM}))(?![{re.escape(WORD_CHARACTERS)}])"
)
"""The number or letter that tells people of one masked name apart, as in 张某1 and 周某A."""
HYPHENS = ("-", "－")
FIRST_NAME = re.compile("[让讓][-－]")
"""The French first name that models take for a verb, and its hyphen."""


def masked_names(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans, with the names of people extended over their masked rest, as in 张某某, 李某甲 and 王**.

    A span of another type that the rest reaches into keeps the name from being extended.
    """

    def end_of(span: Span) -> int:
        rest = MASKED_NAME.match(text, span.end) if span.label == PERSON else None
        if not rest:
            return span.end
        is_sign = not rest[0].startswith("某") and rest[0][:1] not in "甲乙丙丁戊己庚辛壬癸"
        return span.end if is_sign and span.end - span.start > 1 else rest.end()

    return extended(spans, end_of, taking=PERSON)


def numbered_names(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans, with masked names of people extended over their number or letter, as in 张某1 and 周某A.

    It stays outside where the next span reaches into it.
    """
    if "某" not in text:
        return list(spans)
    limits = [*(span.start for span, _ in spans[1:]), len(text)]
    result = []
    for (span, score), limit in zip(spans, limits, strict=False):
        number = NAME_NUMBER.match(text, span.end) if span.label == PERSON else None
        if number and number.end() <= limit:
            span = span._replace(end=number.end())
        result.append(ScoredSpan(span, score))
    return result


def hyphenated_names(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans, with the parts of foreign names joined over their hyphen, as in 迪亚斯-卡内尔 and 让-马克·埃罗.

    Names that look Chinese stay apart, and so do three or more in a row, which are a list.
    """
    if not any(hyphen in text for hyphen in HYPHENS):
        return list(spans)
    ends = [0, *(span.end for span, _ in spans)]
    names = [
        ScoredSpan(span._replace(start=span.start - 2), score)
        if span.label == PERSON and span.start - 2 >= end and FIRST_NAME.match(text, span.start - 2)
        else ScoredSpan(span, score)
        for (span, score), end in zip(spans, ends, strict=False)
    ]
    chained = [_are_chained(text, before.span, after.span) for before, after in pairwise(names)]
    pairs = {
        names[number].span
        for number, is_chained in enumerate(chained)
        if is_chained and not any(chained[max(0, number - 1) : number] + chained[number + 1 : number + 2])
    }
    return joined(names, lambda before, after: before in pairs and _is_one(text, before, after))


def _are_chained(text: str, before: Span, after: Span) -> bool:
    """Return True for two people with nothing but a hyphen between them."""
    return before.label == after.label == PERSON and text[before.end : after.start] in HYPHENS


def _is_one(text: str, before: Span, after: Span) -> bool:
    """Return True if both parts are written as foreign names are, and at most one of them has a dot."""
    first, last = text[before.start : before.end], text[after.start : after.end]
    are_chinese = is_short_chinese(first) and is_short_chinese(last)
    return is_foreign(first) and is_foreign(last) and not are_chinese and not ("·" in first and "·" in last)
