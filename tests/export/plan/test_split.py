"""Sentences are divided the same way at every call, and no type is tested that is not learned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.tags import Span
from edgener_export.corpus.sentence import Sentence
from edgener_export.errors import CorpusError
from edgener_export.plan.split import MOST_HELD_OUT, Split, contradictions, in_learning_order, split


def sentence(number: int, label: str = "DRUG") -> Sentence:
    """A sentence of its own text with one entity, or with none for an empty label."""
    return Sentence(f"第{number}句", (Span(0, 1, label),) if label else ())


def labels(sentences: list[Sentence]) -> set[str]:
    """The types that occur in sentences."""
    return {span.label for each in sentences for span in each.spans}


@given(st.lists(st.sampled_from(("DRUG", "PER", "TITLE", "")), min_size=20, max_size=120))
def test_every_sentence_is_on_one_side_and_every_tested_type_is_learned(kinds: list[str]) -> None:
    sentences = [sentence(number % 90, label) for number, label in enumerate(kinds)]
    try:
        parts = split(sentences, "data.jsonl")
    except CorpusError:
        assert all(kinds.count(label) < 12 for label in ("DRUG", "PER", "TITLE"))
        return
    assert sorted(map(repr, parts.train + parts.held_out)) == sorted(map(repr, sentences))
    assert not {each.text for each in parts.train} & {each.text for each in parts.held_out}
    assert labels(parts.held_out) <= labels(parts.train)
    assert set(parts.untested) == labels(parts.train) - labels(parts.held_out)
    assert parts == split(sentences[::-1], "data.jsonl") or len({each.text for each in sentences}) < len(sentences)


def test_a_fifth_is_held_out_but_no_more_than_matters() -> None:
    assert len(split([sentence(number) for number in range(500)], "x").held_out) == 100
    assert len(split([sentence(number) for number in range(15_000)], "x").held_out) == MOST_HELD_OUT


def test_sentences_that_are_labelled_later_leave_the_others_on_their_side() -> None:
    before = split([sentence(number) for number in range(100)], "x")
    after = split([sentence(number) for number in range(120)], "x")
    moved = {each.text for each in before.train} & {each.text for each in after.held_out}
    assert len(moved) <= 4


def test_a_type_that_occurs_once_is_learned_and_named() -> None:
    parts = split([*(sentence(number) for number in range(50)), sentence(99, "RARE")], "x")
    assert parts.untested == ("RARE",)
    assert "RARE" in labels(parts.train)


def test_the_first_part_of_the_learned_sentences_has_all_types() -> None:
    ordered = in_learning_order([sentence(number, "ABCD"[number % 50 % 4]) for number in range(200)])
    assert labels(ordered[:4]) == set("ABCD")


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        ([sentence(number) for number in range(19)], "my.jsonl: has 19 sentences, and a training needs at least 20"),
        ([sentence(number, "") for number in range(50)], "my.jsonl: no sentence has an entity"),
        ([*(sentence(n, "") for n in range(50)), sentence(50)], "no entity can be held out.*DRUG 1.*--dev"),
    ],
    ids=["too few", "no entities", "one entity"],
)
def test_data_that_cannot_be_used_is_refused_with_its_name(sentences: list[Sentence], message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        split(sentences, "my.jsonl")


def test_one_text_with_two_answers_is_counted() -> None:
    assert contradictions([sentence(1), sentence(1), sentence(1, "PER"), sentence(2)]) == 1


def test_a_split_names_its_parts() -> None:
    assert Split([sentence(1)], [sentence(2)]).untested == ()
