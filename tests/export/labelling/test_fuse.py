"""Labels fused from a model of ours and LAC."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edgener import Entity
from edgener_export.corpus.name_swap import Name
from edgener_export.corpus.sentence import Sentence
from edgener_export.labelling.fuse import KINDS, QUESTIONS, ROUNDS, TEACHES, KnownNames, Trust, fuse
from edgener_export.labelling.lac import Word


def words(*tagged: tuple[str, str]) -> tuple[str, list[Word]]:
    """Return the text of words and the words."""
    text, found = "", []
    for word, tag in tagged:
        found.append(Word(len(text), len(text) + len(word), tag))
        text += word
    return text, found


def entity(text: str, name: str, label: str, score: float) -> Entity:
    """Return an entity of our model at the first place of ``name``."""
    start = text.index(name)
    return Entity(start, start + len(name), label, name, score)


def labels(sentence: Sentence) -> list[tuple[str, str]]:
    """Return the texts and types of the labels."""
    return [(sentence.text[span.start : span.end], span.label) for span in sentence.spans]


def organizations(*names: str) -> KnownNames:
    """Return known organizations."""
    return KnownNames(Name("ORG", name) for name in names)


NONE = KnownNames(())
MODERN, NEWS = TEACHES["modern"], TEACHES["news"]
TEXT, WORDS = words(("华为", "ORG"), ("的", "u"), ("任正非", "PER"), ("去", "v"), ("北京", "LOC"))


def test_names_of_lac_alone_are_labels_in_modern_text_and_left_open_in_news() -> None:
    assert labels(fuse(TEXT, [], WORDS, NONE, MODERN)) == [("华为", "ORG"), ("任正非", "PER"), ("北京", "LOC")]
    news = fuse(TEXT, [], WORDS, NONE, NEWS)
    assert news.spans == ()
    assert news.ignored == ((0, 2), (3, 6), (7, 9))


def test_our_entity_wins_over_another_type_only_where_it_is_certain() -> None:
    doubtful, certain = entity(TEXT, "华为", "LOC", 0.9), entity(TEXT, "华为", "LOC", 0.995)
    assert labels(fuse(TEXT, [doubtful], WORDS, NONE, MODERN))[0] == ("华为", "ORG")
    assert labels(fuse(TEXT, [certain], WORDS, NONE, MODERN))[0] == ("华为", "LOC")
    assert labels(fuse(TEXT, [doubtful], WORDS, NONE, NEWS)) == [("华为", "LOC")]


def test_an_agreement_needs_no_certainty() -> None:
    assert labels(fuse(TEXT, [entity(TEXT, "北京", "LOC", 0.1)], WORDS, NONE, NEWS)) == [("北京", "LOC")]


def test_our_entity_where_lac_sees_none_is_a_label_open_or_nothing_by_its_score() -> None:
    text, tagged = words(("小区", "n"), ("停电", "v"))
    for score, spans, ignored in ((0.98, [("小区", "LOC")], ()), (0.8, [], ((0, 2),)), (0.3, [], ())):
        fused = fuse(text, [entity(text, "小区", "LOC", score)], tagged, NONE, MODERN)
        assert labels(fused) == spans
        assert fused.ignored == ignored


def test_a_known_organization_is_one_whatever_both_say_if_words_end_where_it_ends() -> None:
    text, tagged = words(("小红", "PER"), ("书", "n"), ("上市", "v"))
    person = entity(text, "小红", "PER", 0.999)
    assert labels(fuse(text, [person], tagged, organizations("小红书"), MODERN)) == [("小红书", "ORG")]
    assert labels(fuse(text, [person], tagged, organizations("红书"), MODERN)) == [("小红", "PER")]


def test_a_known_name_has_the_type_that_the_list_gives_it() -> None:
    text, tagged = words(("高市", "LOC"), ("早苗", "n"), ("去", "v"), ("宏福苑", "n"))
    known = KnownNames([Name("PER", "高市早苗"), Name("LOC", "宏福苑")])
    assert labels(fuse(text, [], tagged, known, QUESTIONS["news"])) == [("高市早苗", "PER"), ("宏福苑", "LOC")]


def test_forms_of_address_ethnic_groups_and_laughter_are_no_names() -> None:
    text, tagged = words(("刘先生", "PER"), ("汉族", "ORG"), ("哈哈哈", "PER"), ("@小王", "PER"), ("12", "PER"))
    laughing = entity(text, "哈哈哈", "PER", 0.999)
    assert labels(fuse(text, [laughing], tagged, NONE, MODERN)) == [("刘", "PER")]


def test_in_the_second_round_names_of_lac_alone_are_left_open_and_its_places_dropped() -> None:
    fused = fuse(TEXT, [], WORDS, NONE, QUESTIONS["modern"])
    assert fused.spans == ()
    assert fused.ignored == ((0, 2), (3, 6))
    assert fuse(TEXT, [], WORDS, NONE, QUESTIONS["news"]).ignored == ((0, 2), (3, 6), (7, 9))
    assert labels(fuse(TEXT, [], WORDS, organizations("华为"), QUESTIONS["modern"])) == [("华为", "ORG")]


def test_in_the_second_round_a_quarrel_is_ours_where_our_model_is_certain_and_else_open_as_a_whole() -> None:
    text, tagged = words(("去", "v"), ("大连", "LOC"), ("电视台", "n"))
    for score, spans, ignored in ((0.8, [("大连电视台", "ORG")], ()), (0.7, [], ((1, 6),))):
        fused = fuse(text, [entity(text, "大连电视台", "ORG", score)], tagged, NONE, QUESTIONS["modern"])
        assert labels(fused) == spans
        assert fused.ignored == ignored


def test_what_a_label_leaves_of_an_open_place_stays_open() -> None:
    text, tagged = words(("在", "p"), ("北京大学生", "ORG"))
    ours = [entity(text, "北京", "LOC", 0.99), entity(text, "大学", "ORG", 0.6)]
    fused = fuse(text, ours, tagged, NONE, QUESTIONS["modern"])
    assert labels(fused) == [("北京", "LOC")]
    assert fused.ignored == ((3, 6),)


def test_in_the_second_round_a_person_of_ours_alone_needs_more_in_titles() -> None:
    text, tagged = words(("柯南", "n"), ("全集", "n"))
    person = entity(text, "柯南", "PER", 0.95)
    assert labels(fuse(text, [person], tagged, NONE, QUESTIONS["modern"])) == [("柯南", "PER")]
    titles = fuse(text, [person], tagged, NONE, QUESTIONS["titles"])
    assert titles.spans == ()
    assert titles.ignored == ((0, 2),)


def test_in_the_second_round_only_a_certain_name_of_ours_beats_a_known_one() -> None:
    text, tagged = words(("华为", "ORG"), ("大学", "n"))
    known = organizations("华为")
    for score, name in ((0.98, "华为大学"), (0.9, "华为")):
        fused = fuse(text, [entity(text, "华为大学", "ORG", score)], tagged, known, QUESTIONS["news"])
        assert labels(fused) == [(name, "ORG")]
        assert fused.ignored == ()


TAGGED = st.lists(
    st.tuples(st.text("王北京华为哈的@", min_size=1, max_size=4), st.sampled_from(["PER", "LOC", "ORG", "n"])),
    max_size=8,
)


@given(TAGGED, st.data(), st.sampled_from([trusts[kind] for trusts in ROUNDS.values() for kind in KINDS]))
def test_labels_and_open_ranges_never_overlap(tagged: list[tuple[str, str]], data: st.DataObject, trust: Trust) -> None:
    text, found = words(*tagged)
    ours, place = [], 0
    while place < len(text):
        end = data.draw(st.integers(place + 1, len(text)))
        if data.draw(st.booleans()):
            label = data.draw(st.sampled_from(["PER", "LOC", "ORG"]))
            ours.append(Entity(place, end, label, text[place:end], data.draw(st.floats(0, 1))))
        place = end
    fused = fuse(text, ours, found, organizations("华为"), trust)
    taken = sorted([(span.start, span.end) for span in fused.spans] + list(fused.ignored))
    spans = [(span.start, span.end) for span in fused.spans]
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert all(0 <= start < end <= len(text) for start, end in taken)
    assert not any(start < span.end and span.start < end for start, end in fused.ignored for span in fused.spans)
