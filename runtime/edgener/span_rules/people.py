"""Names of people: those that a court has masked, and foreign ones with a hyphen."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgener.aliases import IDEOGRAPH
from edgener.segmentation import WORD_CHARACTERS
from edgener.span_rules.edits import PERSON, joined
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
)
"""Text after a number that counts something, as in 给张某3克, which a name's number is not, as in 张某1支付."""
NAME_NUMBER = re.compile(rf"(?<=某)(?:[0-9０-９]{{1,2}}(?!{_COUNTED})|[A-ZＡ-Ｚ])(?![{re.escape(WORD_CHARACTERS)}])")
"""The number or letter that tells people of one masked name apart, as in 张某1 and 周某A."""
HYPHENS = ("-", "－")
FIRST_NAME = re.compile("[让讓][-－]")
"""The French first name that models take for a verb, and its hyphen."""
_IDEOGRAPH = re.compile(f"[{IDEOGRAPH}]")
_FAMILY_NAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾"
    "夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文張劉陳楊黃趙吳孫馬羅鄭謝許韓鄧馮蕭葉蔣"
    "蘇呂盧鍾譚陸範賈鄒閆龍賀顧龔萬錢嚴湯喬賴"
)
"""Frequent Chinese family names."""
_SOUNDS = frozenset(
    "阿埃艾安奥巴班保鲍贝本比彼别波伯勃博布查茨达大戴丹道德登迪蒂丁东多厄恩尔法凡菲费芬丰弗佛夫福盖甘冈戈哥格古圭哈海汉赫亨霍基吉加"
    "伽贾简杰卡凯坎康考柯科可克肯孔库夸拉莱兰朗劳勒雷里利莉连列林琳隆卢鲁路伦罗洛玛迈麦曼芒茂梅门蒙米密明莫默穆姆拿纳娜奈南内尼涅妮宁"
    "纽努诺欧帕潘庞佩皮平坡珀普奇恰齐切琴琼丘让热日荣瑞萨塞桑瑟森沙莎山尚绍舍申圣施史舒斯丝松索塔泰坦汤陶特廷通图托陀瓦旺威维韦文翁"
    "沃乌武伍西希锡休雅亚扬耶伊因英永尤约扎詹泽珍茱兹佐達爾費馮蓋岡漢傑凱萊蘭勞羅盧瑪邁麥蒙納內寧紐諾歐龐齊瓊榮薩聖紹絲蘇湯圖托瓦維偉"
    "魯倫亞揚約澤茲"
)
"""Characters that foreign names are written with."""


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

    Two names that both look Chinese stay apart.
    """
    if not any(hyphen in text for hyphen in HYPHENS):
        return list(spans)

    def are_one(before: Span, span: Span) -> bool:
        return (
            span.label == PERSON
            and text[before.end : span.start] in HYPHENS
            and _IDEOGRAPH.match(text, before.start) is not None
            and _IDEOGRAPH.match(text, span.start) is not None
            and not (_is_chinese(text[before.start : before.end]) and _is_chinese(text[span.start : span.end]))
        )

    ends = [0, *(span.end for span, _ in spans)]
    with_first_name = [
        ScoredSpan(span._replace(start=span.start - 2), score)
        if span.label == PERSON and span.start - 2 >= end and FIRST_NAME.match(text, span.start - 2)
        else ScoredSpan(span, score)
        for (span, score), end in zip(spans, ends, strict=False)
    ]
    return joined(with_first_name, are_one)


def _is_chinese(name: str) -> bool:
    """Return True for a name that begins as Chinese ones do, unless all of it is written as foreign ones are."""
    return len(name) <= 3 and name[0] in _FAMILY_NAMES and not _SOUNDS.issuperset(name)
