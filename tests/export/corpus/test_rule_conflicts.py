"""Labels that a span rule would change are found, so that no model is made to miss what its labels ask for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgener.span_rules.registry import SPAN_RULES
from edgener.tags import ScoredSpan, Span
from edgener_export.corpus.rule_conflicts import rule_conflicts
from edgener_export.corpus.sentence import Sentence

PEOPLE = [Sentence("王小明在北京", (Span(0, 3, "PER"), Span(4, 6, "LOC"))), Sentence("没有名字", ())]
HANDLES = [Sentence("问@wang吧", (Span(1, 6, "HANDLE"),)), Sentence("问@li", (Span(1, 4, "HANDLE"),)), *PEOPLE]
DOSE = Sentence("服5mg", (Span(1, 2, "DOSE"), Span(2, 4, "UNIT")))
TEXT = "某1A@#a哈哈「」三、王"


@st.composite
def sentences(draw: st.DrawFn) -> Sentence:
    """A short text of what the rules are about, with entities anywhere."""
    text = draw(st.text(TEXT, min_size=1, max_size=8))
    ends = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    pairs = zip(ends[::2], ends[1::2], strict=False)
    return Sentence(text, tuple(Span(start, end, draw(st.sampled_from(["PER", "HANDLE"]))) for start, end in pairs))


def test_ordinary_names_contradict_no_rule() -> None:
    assert list(rule_conflicts(SPAN_RULES, PEOPLE)) == []


def test_a_type_whose_entities_a_rule_cuts_contradicts_it() -> None:
    (conflict,) = rule_conflicts(SPAN_RULES, HANDLES)
    assert (conflict.rule, conflict.changed, conflict.example) == ("without_signs", 2, "@wang")
    assert conflict.labels == ("HANDLE",)


def test_every_type_that_a_rule_would_change_is_named() -> None:
    (conflict,) = rule_conflicts(["whole_words"], [DOSE] * 2)
    assert conflict.labels == ("DOSE", "UNIT")


def test_a_few_odd_labels_among_many_do_not_overrule_a_rule() -> None:
    odd = Sentence("哈哈", (Span(0, 2, "PER"),))
    (conflict,) = rule_conflicts(["no_laughter"], [*PEOPLE * 2000, odd, odd])
    assert (conflict.changed, conflict.labels) == (2, ())
    (conflict,) = rule_conflicts(["no_laughter"], [*PEOPLE * 1000, odd, odd])
    assert conflict.labels == ("PER",)
    (conflict,) = rule_conflicts(["no_laughter"], [odd])
    assert conflict.labels == ()


@given(st.lists(sentences(), max_size=4), st.sampled_from(sorted(SPAN_RULES)))
def test_a_rule_without_a_conflict_leaves_every_labelled_entity_as_it_is(given: list[Sentence], rule: str) -> None:
    if not list(rule_conflicts([rule], given)):
        for sentence in given:
            found = SPAN_RULES[rule](sentence.text, [ScoredSpan(span, 1.0) for span in sentence.spans])
            assert [each.span for each in found] == list(sentence.spans)
