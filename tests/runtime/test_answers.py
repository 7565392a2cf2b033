"""Answers hold the file, the line and the entities that are certain enough, document by document."""

from __future__ import annotations

import json

import pytest

from edgener import Recognizer, Rules
from edgener.answers import Answers
from edgener.errors import UsageError
from edgener.output_formats import JsonLines

TEXT = "王小明在青山大学工作。"


def test_documents_are_counted_as_lines_of_their_file(recognizer: Recognizer) -> None:
    answers = Answers(recognizer, JsonLines(), "news.txt")
    rows = [json.loads(piece) for piece in [*answers([[TEXT], ["", ""]]), *answers([[TEXT]])]]
    assert [(row["file"], row["line"], len(row["entities"])) for row in rows] == [
        ("news.txt", 1, 2),
        ("news.txt", 2, 0),
        ("news.txt", 3, 2),
    ]
    (row,) = (json.loads(piece) for piece in Answers(recognizer, JsonLines())([[TEXT]]))
    assert "file" not in row


def test_an_entity_of_exactly_the_least_score_is_kept(recognizer: Recognizer) -> None:
    low, high = sorted(entity.score for entity in recognizer(TEXT))
    for least, count in ((low, 2), (high, 1), (min(1.0, high + 1e-9), 0)):
        ruled = recognizer.with_rules(Rules(min_score=least))
        (row,) = (json.loads(piece) for piece in Answers(ruled, JsonLines())([[TEXT]]))
        assert len(row["entities"]) == count


@pytest.mark.parametrize("join_lines", [False, True])
def test_wrapped_lines_are_joined_where_that_is_asked_for(recognizer: Recognizer, join_lines: bool) -> None:
    answers = Answers(recognizer, JsonLines(), join_lines=join_lines)
    (row,) = (json.loads(piece) for piece in answers([["王小明在青山大\n学工作。"]]))
    assert ("青山大\n学" in [entity["text"] for entity in row["entities"]]) == join_lines


@pytest.mark.parametrize("score", [-0.01, 1.01, float("nan")])
def test_a_least_score_is_a_probability(score: float) -> None:
    with pytest.raises(UsageError) as caught:
        Rules(min_score=score)
    assert str(caught.value) == f"min_score is {score}; it must be between 0 and 1"
    assert [Rules(min_score=probability).min_score for probability in (0, 1)] == [0, 1]
