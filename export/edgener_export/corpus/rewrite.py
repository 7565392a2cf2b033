"""Labelled sentences rewritten as users write them: without punctuation, with laughter, with anonymized people; lists.

Every function but ``rewritten`` draws from the generator that it is given; labels and ignored ranges stay on their
characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgener.tags import Span
from edgener_export.corpus.name_swap import Name, with_names
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.templates import Grammar
from edgener_export.recipe.settings import RewriteSettings

PUNCTUATION = re.compile('[，。、；：！？“”‘’（）《》"(),.!?;:—…·]')
PAUSE = re.compile("[，。！？、 ]")
LAUGHTER = (
    *(
        "哈哈",
        "哈哈哈",
        "哈哈哈哈",
        "哈哈哈哈哈哈",
        "呵呵",
        "嘻嘻",
        "嘿嘿",
        "嘿嘿嘿",
        "啊啊啊",
        "呜呜呜",
        "哎呀呀",
        "嗯嗯",
        "啦啦啦",
    ),
    *("哇哇", "略略略", "hahaha", "hhhh", "233", "23333", "www", "xswl", "[哈哈]", "[doge]"),
)
ANONYMOUS = ("某", "某某", "某某某", "某甲", "某乙", "××")
"""Forms that courts and newspapers write in place of a given name."""
FAMILY_NAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范"
    "金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
"""The hundred commonest Chinese family names of one character."""
SEPARATORS = ("", "", "", "", "、", "，")
"""Separators between the names of a list; most lists have lost theirs."""
LONGEST_LIST = 100
"""Most code points of a list of names."""
FEWEST_NAMES, MOST_NAMES = 4, 28
REMARKS = ("（女）", "（回族）", "（满族）", "（藏族）", "（壮族）", "（女，苗族）")
"""Remarks that stand behind people in lists of delegates."""
REMARK_SHARE = 0.2
HEADINGS = ("", "", "名单：", "出席会议的有", "参加会议的还有", "代表：", "委员（按姓氏笔画为序）", "获奖者：", "主演")


def rewritten(sentences: Sequence[Sentence], names: Sequence[Name], settings: RewriteSettings) -> list[Sentence]:
    """Return the copies, the lists and the sentences from templates that a recipe asks for; the seed decides them all.

    Raises CorpusError for a mistake in the templates.
    """
    generator = np.random.default_rng(settings.seed)
    copies: list[Sentence] = []
    for sentence in sentences:
        if generator.random() < settings.without_punctuation:
            copies.append(without_punctuation(sentence))
        if generator.random() < settings.laughter:
            copies.append(with_laughter(sentence, generator))
        if generator.random() < settings.anonymous and any(span.label == "PER" for span in sentence.spans):
            copies.append(anonymized(sentence, FAMILY_NAMES, generator))
    texts: dict[str, list[str]] = {}
    for label, name in (*_names_of(sentences), *names):
        if len(name) > 1:
            texts.setdefault(label, []).append(name)
    labels = [label for label in sorted(texts) for _ in texts[label]]  # each type as often as it has names
    for _ in range(settings.lists if labels else 0):
        label = labels[int(generator.integers(len(labels)))]
        separator = SEPARATORS[int(generator.integers(len(SEPARATORS)))]
        copies.append(name_list(label, texts[label], separator, generator))
    if settings.templates:
        grammar = Grammar(Path(settings.templates), texts)
        copies += (grammar.sentence(generator) for _ in range(settings.template_sentences))
    return [sentence for sentence in copies if sentence.text]


def without_punctuation(sentence: Sentence) -> Sentence:
    """Return the sentence without the punctuation that stands outside its names, as a transcript has it."""
    inside = {place for span in sentence.spans for place in range(span.start, span.end)}
    kept = [
        place for place, character in enumerate(sentence.text) if place in inside or not PUNCTUATION.match(character)
    ]
    starts = np.searchsorted(kept, range(len(sentence.text) + 1)).tolist()
    return Sentence(
        "".join(sentence.text[place] for place in kept),
        tuple(Span(starts[span.start], starts[span.end], span.label) for span in sentence.spans),
        tuple((starts[start], starts[end]) for start, end in sentence.ignored if starts[start] < starts[end]),
        sentence.category,
    )


def with_laughter(sentence: Sentence, generator: np.random.Generator) -> Sentence:
    """Return the sentence with laughter at its start, its end or a pause, never inside a name."""
    taken = {place for span in sentence.spans for place in range(span.start + 1, span.end)}
    pauses = [found.end() for found in PAUSE.finditer(sentence.text)]
    places = [place for place in (0, *pauses, len(sentence.text)) if place not in taken]
    place = places[int(generator.integers(len(places)))]
    laughter = LAUGHTER[int(generator.integers(len(LAUGHTER)))]

    def moved(start: int, end: int) -> tuple[int, int]:
        return start + len(laughter) * (start >= place), end + len(laughter) * (end > place)

    return Sentence(
        sentence.text[:place] + laughter + sentence.text[place:],
        tuple(Span(*moved(span.start, span.end), span.label) for span in sentence.spans),
        tuple(moved(start, end) for start, end in sentence.ignored),
        sentence.category,
    )


def anonymized(sentence: Sentence, family_names: frozenset[str], generator: np.random.Generator) -> Sentence:
    """Return the sentence with 某 in place of the given names of Chinese people, the same for the same person."""
    given: dict[str, str] = {}
    names = []
    for span in sentence.spans:
        name = sentence.text[span.start : span.end]
        if span.label == "PER" and 2 <= len(name) <= 4 and name[0] in family_names:
            if name not in given:
                given[name] = name[0] + ANONYMOUS[int(generator.integers(len(ANONYMOUS)))]
            name = given[name]
        names.append(name)
    return with_names(sentence, names)


def name_list(label: str, names: Sequence[str], separator: str, generator: np.random.Generator) -> Sentence:
    """Return a list of names of one type with ``separator`` between them, people now and then with a remark."""
    heading = HEADINGS[int(generator.integers(len(HEADINGS)))]
    has_remarks = label == "PER" and generator.random() < 1 / 3
    pieces, length = [heading], len(heading)
    spans: list[Span] = []
    for _ in range(int(generator.integers(FEWEST_NAMES, MOST_NAMES + 1))):
        name = names[int(generator.integers(len(names)))]
        if spans and length + len(separator) + len(name) > LONGEST_LIST:
            break
        if spans:
            pieces.append(separator)
            length += len(separator)
        spans.append(Span(length, length + len(name), label))
        remark = ""
        if has_remarks and generator.random() < REMARK_SHARE:
            remark = REMARKS[int(generator.integers(len(REMARKS)))]
        pieces += name, remark
        length += len(name) + len(remark)
    return Sentence("".join(pieces), tuple(spans))


def _names_of(sentences: Sequence[Sentence]) -> list[Name]:
    """Return the distinct names of the sentences."""
    found = {
        Name(span.label, sentence.text[span.start : span.end]) for sentence in sentences for span in sentence.spans
    }
    return sorted(found)
