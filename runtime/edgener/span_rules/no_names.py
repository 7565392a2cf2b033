"""Text that is no name of a person, a place or an organization: laughter, and titles of works, ships and storms."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgener.aliases import IDEOGRAPH
from edgener.span_rules.edits import ORGANIZATION, PERSON, PLACE
from edgener.span_rules.sounds import FAMILY_NAMES, is_foreign
from edgener.tags import ScoredSpan, Span

LAUGHTER = re.compile(r"[哈呵嘻嘿啊呜嗷噗噢哦嗯呃咦哇]{2,}|(?:h[aeio]){2,}h?|w{3,}|23{2,}|(?:lo)+l", re.IGNORECASE)
"""Text that consists of laughter or of other sounds of chats."""
SHIP = re.compile("[舰艦](?![队隊艇船长長只隻载載上员員炮砲机機])")
"""The character that follows the name of a warship."""
_COUNTRY = re.compile(
    ".+[国國]"
    "|日本|印度|俄罗斯|俄羅斯|苏联|蘇聯|朝鲜|朝鮮|越南|印尼|菲律宾|菲律賓|马来西亚|馬來西亞|新加坡|缅甸|緬甸|孟加拉|巴基斯坦|台湾|台灣|臺灣|伊朗|伊拉克"
    "|以色列|土耳其|埃及|沙特|希腊|希臘|意大利|義大利|西班牙|葡萄牙|荷兰|荷蘭|挪威|瑞典|丹麦|丹麥|波兰|波蘭|乌克兰|烏克蘭|加拿大|澳大利亚|澳洲|新西兰"
    "|紐西蘭|巴西|智利|古巴|欧洲|歐洲|北约|北約"
)
"""A country, which a ship is called by and not after."""
_NAME_OF_SHIP = re.compile(f"[{IDEOGRAPH}]{{2,4}}")
ACTS = re.compile(
    "[说說]|表示|指出|强调|強調|要求|视察|視察|宣布|宣佈|检查|檢查|部署|主持|作出|认为|認為|指示|提醒|呼吁|呼籲|坐镇|坐鎮|评论|評論"
)
"""Words for what people do and storms do not."""
STORM = re.compile(r'[台颱飓颶][风風]([“「『"]?)\Z')
"""The word, and the mark of a quotation, that precede the name of a storm."""
_QUOTES = {"“": "”", "「": "」", "『": "』", '"': '"'}


def no_laughter(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans but for those that consist of laughter, such as 哈哈哈, hahaha, www or 233."""
    return [found for found in spans if not LAUGHTER.fullmatch(text, found.span.start, found.span.end)]


def no_titles(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans but for people and places that are the title of a work, such as 《成都》.

    An organization between these marks is a newspaper.
    """
    if "《" not in text:
        return list(spans)
    return [
        found
        for found in spans
        if found.span.label == ORGANIZATION
        or not (text.startswith("》", found.span.end) and text.endswith("《", 0, found.span.start))
    ]


def no_ships(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans but for places that are the name of a warship, such as 福建舰; 日本舰 has the country in it."""

    def is_ship(span: Span) -> bool:
        name = text[span.start : span.end]
        return (
            span.label == PLACE
            and SHIP.match(text, span.end) is not None
            and _NAME_OF_SHIP.fullmatch(name) is not None
            and not _COUNTRY.fullmatch(name)
        )

    return [found for found in spans if not is_ship(found.span)]


def no_storms(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans but for people, and places in quotes, that are the name of a storm, as in 台风杜苏芮.

    Without quotes, somebody with a Chinese name may follow the word, or somebody who acts: 面对台风李强作出批示.
    """
    if not ("风" in text or "風" in text):
        return list(spans)

    def is_storm(span: Span) -> bool:
        before = STORM.search(text, max(0, span.start - 3), span.start)
        if not before:
            return False
        quote, name = before[1], text[span.start : span.end]
        if quote:
            return span.label in (PERSON, PLACE) and text.startswith(_QUOTES[quote], span.end)
        if span.label != PERSON or ACTS.match(text, span.end):
            return False
        return is_foreign(name) or name[0] not in FAMILY_NAMES

    return [found for found in spans if not is_storm(found.span)]
