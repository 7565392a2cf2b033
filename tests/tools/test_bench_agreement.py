"""Scores by exact and by looser measures."""

from __future__ import annotations

import pytest

from edgener.tags import Span
from edgener_export.corpus.sentence import Sentence
from tools.bench.agreement import quality
from tools.bench.contract import spans_of_words

SENTENCE = Sentence("王小明和李在北京大学", (Span(0, 3, "PER"), Span(4, 5, "PER"), Span(6, 10, "ORG")))


def test_everything_right() -> None:
    found = quality([SENTENCE], [[(0, 3, "PER"), (4, 5, "PER"), (6, 10, "ORG")]])
    assert (found.precision, found.recall, found.f1, found.f1_longer, found.f1_overlap) == (100, 100, 100, 100, 100)


def test_looser_measures_forgive_what_they_say() -> None:
    found = quality([SENTENCE], [[(0, 3, "PER"), (6, 8, "ORG")]])
    assert (found.precision, found.f1, found.f1_longer) == (50, 40, 50)
    assert found.recall == pytest.approx(100 / 3)
    assert found.f1_overlap == pytest.approx(80)


def test_words_are_found_in_order() -> None:
    words = [("李娜", "nr"), ("和", "c"), ("李娜", "nr"), ("去", "v"), ("广州", "ns")]
    labels = {"nr": "PER", "ns": "LOC"}
    assert spans_of_words("李娜 和李娜去广州", words, labels) == [(0, 2, "PER"), (4, 6, "PER"), (7, 9, "LOC")]


def test_words_that_are_not_in_the_text_have_no_place() -> None:
    assert spans_of_words("ＡＢ去广州", [("AB", "nr"), ("去", "v"), ("广州", "ns")], {"nr": "PER", "ns": "LOC"}) == [
        (3, 5, "LOC")
    ]
