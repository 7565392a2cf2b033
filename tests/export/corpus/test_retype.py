"""A recipe renames, merges and drops entity types in all of its data, and says how many entities that were."""

from __future__ import annotations

import pytest

from edgener.tags import Span
from edgener_export.corpus.retype import retyped, retyped_corpus
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.splits import Corpus
from edgener_export.errors import RecipeError

WANG = Sentence("王医生在北京", (Span(0, 1, "NAME"), Span(1, 3, "TITLE"), Span(4, 6, "LOC")), ((3, 4),), "news")
LI = Sentence("李娜来", (Span(0, 1, "PER.NAM"), Span(1, 2, "NAME")))
TYPES = {"NAME": "PER", "PER.NAM": "PER", "TITLE": ""}


def test_types_are_renamed_merged_and_dropped_and_nothing_else_changes() -> None:
    assert retyped(WANG, TYPES) == Sentence("王医生在北京", (Span(0, 1, "PER"), Span(4, 6, "LOC")), ((3, 4),), "news")
    assert retyped(LI, TYPES).spans == (Span(0, 1, "PER"), Span(1, 2, "PER"))


def test_an_entity_takes_the_place_of_a_longer_one_whose_type_is_dropped() -> None:
    inner, outer = Span(2, 4, "DRUG"), Span(0, 4, "USE")
    sentence = Sentence("服用头孢", (outer,), left_out=(inner,))
    assert retyped(sentence, {"USE": ""}).spans == (inner,)
    assert retyped(sentence, {"USE": "", "DRUG": "MEDICINE"}).spans == (inner._replace(label="MEDICINE"),)
    assert retyped(sentence, {"DRUG": ""}) == Sentence("服用头孢", (outer,))
    assert retyped(sentence, {"DRUG": ""}).left_out == ()
    tie = Sentence("北京", (Span(0, 2, "GPE"),), left_out=(Span(0, 2, "LOC"),))
    assert retyped(tie, {"GPE": "PLACE"}).spans == (Span(0, 2, "PLACE"),)
    assert retyped(tie, {"GPE": "PLACE"}).left_out == tie.left_out
    corpus = Corpus([sentence], [sentence], [sentence])
    assert retyped_corpus(corpus, {"DRUG": "MEDICINE"}).train == [sentence]


def test_two_types_may_change_places() -> None:
    assert [span.label for span in retyped(WANG, {"NAME": "LOC", "LOC": "NAME"}).spans] == ["LOC", "TITLE", "NAME"]


def test_every_part_has_the_new_types_and_all_changes_are_counted() -> None:
    told: list[str] = []
    corpus = retyped_corpus(Corpus([WANG], [LI], [LI, WANG], [LI]), TYPES, told.append)
    parts = (corpus.train, corpus.dev, corpus.test, corpus.more)
    assert [[len(sentence.spans) for sentence in part] for part in parts] == [[2], [2], [2, 2], [2]]
    assert {span.label for part in parts for sentence in part for span in sentence.spans} == {"PER", "LOC"}
    assert told == [
        "data.types: entities renamed: 5 NAME as PER, 3 PER.NAM as PER",
        "data.types: entities dropped: 2 TITLE",
    ]


def test_without_types_nothing_is_told_or_changed() -> None:
    told: list[str] = []
    assert retyped_corpus(Corpus([WANG], [LI], [LI]), {}, told.append) == Corpus([WANG], [LI], [LI], [])
    assert told == []


def test_a_type_that_no_entity_has_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(RecipeError, match=r"^data\.types names NAMES, which no sentence has; .* are LOC, NAME, TITLE$"):
        retyped_corpus(Corpus([WANG], [WANG], [WANG]), {"NAMES": "PER", "TITLE": ""})
