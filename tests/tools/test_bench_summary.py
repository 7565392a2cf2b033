"""Numbers out of many measurements."""

from __future__ import annotations

import pytest

from tools.bench.measures import texts_of_length
from tools.bench.summary import Turns, percentile, take_turns


def test_two_take_turns() -> None:
    order: list[str] = []

    def work(name: str, seconds: float) -> float:
        order.append(name)
        return seconds

    turns = take_turns(lambda: work("A", 1.0), lambda: work("B", 3.0), rounds=2)
    assert order == ["A", "B", "A", "B"]
    assert turns == Turns((1.0, 1.0), (3.0, 3.0))
    assert turns.ratio == 3


def test_what_slows_both_does_not_change_the_ratio() -> None:
    assert Turns(ours=(1.0, 10.0, 1.0), theirs=(2.0, 20.0, 2.0)).ratio == 2


def test_one_disturbed_turn_does_not_change_the_ratio() -> None:
    assert Turns(ours=(1.0, 1.0, 1.0), theirs=(2.0, 50.0, 2.0)).ratio == 2


@pytest.mark.parametrize(("percent", "expected"), [(0, 1), (50, 50), (95, 95), (99, 99), (100, 100)])
def test_percentile_of_one_to_hundred(percent: int, expected: int) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == expected


def test_percentile_of_one_value() -> None:
    assert percentile([7.0], 99) == 7


def test_texts_have_the_length() -> None:
    assert texts_of_length(["甲乙丙", "丁戊"], 2) == ["甲乙", "丙丁"]
    assert {len(text) for text in texts_of_length(["甲乙丙丁戊"] * 100, 16)} == {16}
