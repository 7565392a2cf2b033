"""Labelled sentences rewritten as users write them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgener.tags import Span
from edgener_export.corpus.name_swap import Name
from edgener_export.corpus.rewrite import (
    LAUGHTER,
    LONGEST_LIST,
    PUNCTUATION,
    anonymized,
    name_list,
    rewritten,
    with_laughter,
    without_punctuation,
)
from edgener_export.corpus.sentence import Sentence
from edgener_export.recipe.settings import RewriteSettings

SENTENCE = Sentence(
    "“王小明”，在《北京日报》、上海。", (Span(1, 4, "PER"), Span(8, 12, "ORG"), Span(14, 16, "LOC")), ((6, 8),)
)


@st.composite
def sentences(draw: st.DrawFn) -> Sentence:
    """Sentences of names, words and punctuation, some of whose words are ignored."""
    text, spans, ignored = "", [], []
    for piece in draw(
        st.lists(st.sampled_from(["王小明", "乔治·W. 布什", "在", "，", "。", " ", "说", "……"]), max_size=12)
    ):
        start, text = len(text), text + piece
        if len(piece) > 2:
            spans.append(Span(start, len(text), "PER"))
        elif piece == "说":
            ignored.append((start, len(text)))
    return Sentence(text, tuple(spans), tuple(ignored))


def names_of(sentence: Sentence) -> list[str]:
    """Return the texts of the spans."""
    return [sentence.text[span.start : span.end] for span in sentence.spans]


def ignored_of(sentence: Sentence) -> list[str]:
    """Return the texts of the ignored ranges."""
    return [sentence.text[start:end] for start, end in sentence.ignored]


def test_punctuation_goes_but_for_what_stands_in_names() -> None:
    assert without_punctuation(SENTENCE).text == "王小明在北京日报上海"
    dotted = Sentence("乔治·布什，好。", (Span(0, 5, "PER"),))
    assert without_punctuation(dotted) == Sentence("乔治·布什好", (Span(0, 5, "PER"),))


@given(sentences())
def test_names_and_ignored_words_survive_the_loss_of_punctuation(sentence: Sentence) -> None:
    bare = without_punctuation(sentence)
    assert names_of(bare) == names_of(sentence)
    assert ignored_of(bare) == ignored_of(sentence)
    assert not PUNCTUATION.search("".join(bare.text[i] for i in _outside(bare)))


@given(sentences(), st.integers(0, 1000))
def test_laughter_never_falls_into_a_name_or_an_ignored_word(sentence: Sentence, seed: int) -> None:
    laughing = with_laughter(sentence, np.random.default_rng(seed))
    assert names_of(laughing) == names_of(sentence)
    assert ignored_of(laughing) == ignored_of(sentence)
    assert any(laughing.text.replace(laughter, "", 1) == sentence.text for laughter in LAUGHTER)


def test_given_names_become_anonymous_alike_for_one_person_and_families_stay() -> None:
    sentence = Sentence("王小明见王小明和汤姆", (Span(0, 3, "PER"), Span(4, 7, "PER"), Span(8, 10, "PER")))
    first, second, foreign = names_of(anonymized(sentence, frozenset("王"), np.random.default_rng(0)))
    assert first == second != "王小明"
    assert first[0] == "王"
    assert foreign == "汤姆"


@given(st.integers(0, 1000), st.sampled_from(["", "、", "，"]))
def test_a_list_holds_whole_names_alone(seed: int, separator: str) -> None:
    names = ["王小明", "李四", "欧阳娜娜"]
    listed = name_list("PER", names, separator, np.random.default_rng(seed))
    assert set(names_of(listed)) <= set(names)
    assert len(listed.text) <= LONGEST_LIST + 8
    assert listed.spans


def _outside(sentence: Sentence) -> list[int]:
    inside = {place for span in sentence.spans for place in range(span.start, span.end)}
    return [place for place in range(len(sentence.text)) if place not in inside]


def test_a_recipe_gets_the_shares_of_copies_and_the_lists_that_it_asks_for_always_the_same() -> None:
    settings = RewriteSettings(without_punctuation=1, laughter=1, anonymous=0, lists=50)
    copies = rewritten([SENTENCE] * 10, [Name("ORG", "拼多多")], settings)
    assert copies == rewritten([SENTENCE] * 10, [Name("ORG", "拼多多")], settings)
    assert len(copies) == 10 + 10 + 50
    assert "王小明在北京日报上海" in {copy.text for copy in copies}
    lists = copies[20:]
    assert {span.label for copy in lists for span in copy.spans} == {"PER", "LOC", "ORG"}
    assert "拼多多" in {name for copy in lists for name in names_of(copy)}
    assert rewritten([SENTENCE], [], RewriteSettings()) == []


@given(sentences(), st.integers(0, 1000))
def test_anonymous_copies_keep_their_ignored_words(sentence: Sentence, seed: int) -> None:
    anonymous = anonymized(sentence, frozenset("王"), np.random.default_rng(seed))
    assert ignored_of(anonymous) == ignored_of(sentence)
    assert len(anonymous.spans) == len(sentence.spans)


def test_half_a_share_copies_about_half_of_the_sentences() -> None:
    copies = rewritten([SENTENCE] * 400, [], RewriteSettings(anonymous=0.5))
    assert 150 < len(copies) < 250
    assert all("某" in copy.text or "×" in copy.text for copy in copies)
