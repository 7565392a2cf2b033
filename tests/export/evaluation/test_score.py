"""The score counts exact spans, as CoNLL-2003 does."""

from __future__ import annotations

import pytest

from edgener.tags import Span
from edgener_export.evaluation.recognize import scores_by_label
from edgener_export.evaluation.score import Score, overlap_f1, score_spans

A, B, C = Span(0, 2, "PER"), Span(3, 5, "LOC"), Span(3, 4, "LOC")


def test_a_span_counts_only_with_both_ends_and_its_type() -> None:
    pairs = [([A, B], [A, C]), ([A], [Span(0, 2, "LOC")]), ([], []), ([B], [])]
    assert score_spans(pairs) == Score(correct=1, predicted=3, expected=4)


def test_precision_recall_and_f1() -> None:
    score = Score(correct=3, predicted=4, expected=6)
    assert (score.precision, score.recall, score.f1) == (75.0, 50.0, 60.0)
    assert str(score) == "P 75.00  R 50.00  F1 60.00  (6 spans)"


@pytest.mark.parametrize("score", [Score(0, 0, 0), Score(0, 5, 0), Score(0, 0, 5)])
def test_nothing_found_is_zero(score: Score) -> None:
    assert (score.precision, score.recall, score.f1) == (0.0, 0.0, 0.0)


def test_scores_by_label() -> None:
    assert scores_by_label([([A, B], [A, C])]) == {"LOC": Score(0, 1, 1), "PER": Score(1, 1, 1)}


def test_touching_spans_and_other_types_do_not_overlap() -> None:
    expected = [Span(0, 3, "PER")]
    assert overlap_f1([(expected, [Span(3, 5, "PER")])]) == 0
    assert overlap_f1([(expected, [Span(0, 3, "LOC")])]) == 0
    assert overlap_f1([(expected, [Span(2, 5, "PER")])]) == 100
    assert overlap_f1([([], [])]) == 0


def test_one_long_span_is_right_once_and_finds_all_that_it_overlaps() -> None:
    two, one = [Span(0, 2, "PER"), Span(3, 5, "PER")], [Span(0, 5, "PER")]
    assert overlap_f1([(two, one)]) == 100
    assert overlap_f1([(two, one), ([], [Span(0, 1, "LOC")])]) == pytest.approx(200 / 3)
