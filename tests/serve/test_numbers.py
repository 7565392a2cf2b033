"""Processes see each other's numbers, and the counts of one that has ended stay."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.serve import numbers as module
from edgener.serve.numbers import Kind, Numbers, total

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=8)


def filled(**values: float) -> Numbers:
    """Return numbers whose kinds their names begin with."""
    numbers = Numbers()
    for name, value in values.items():
        numbers[numbers.place_of(name, Kind[name.partition("_")[0]])] = value
    return numbers


@given(st.dictionaries(NAMES, st.tuples(st.sampled_from(Kind), st.floats(allow_nan=False))))
def test_numbers_are_shown_under_their_names_as_they_were_set(values: dict[str, tuple[Kind, float]]) -> None:
    numbers = Numbers()
    for name, (kind, value) in values.items():
        numbers[numbers.place_of(name, kind)] = value
    assert numbers.shown() == values


def test_a_name_that_is_known_has_its_place_again() -> None:
    numbers = filled(COUNT_a=5, COUNT_b=6)
    assert numbers.place_of("COUNT_a", Kind.COUNT) == 0
    assert numbers.shown()["COUNT_a"] == (Kind.COUNT, 5)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_forked_process_counts_for_the_others_at_once() -> None:
    numbers = Numbers()
    pid = os.fork()
    if not pid:
        try:
            numbers[numbers.place_of("new", Kind.COUNT)] += 7
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert numbers.shown() == {"new": (Kind.COUNT, 7)}


def test_the_end_of_a_process_keeps_its_counts_alone() -> None:
    numbers = filled(COUNT=7, STATE=1, GREATEST=2)
    numbers.end()
    assert numbers.shown() == {"COUNT": (Kind.COUNT, 7)}


def test_counts_and_states_are_added_and_of_the_greatest_one_is_taken() -> None:
    first, second = filled(COUNT=1, STATE=2, GREATEST=-3, COUNT_own=4), filled(COUNT=10, STATE=20, GREATEST=-4)
    assert total([first, second]) == {"COUNT": 11, "STATE": 22, "GREATEST": -3, "COUNT_own": 4}


@pytest.mark.parametrize("limit", ["MOST_NUMBERS", "MOST_NAME_BYTES"])
def test_numbers_without_end_are_refused_by_name(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, limit, 8)
    numbers = Numbers()
    room = 8 if limit == "MOST_NUMBERS" else 2
    for number in range(room):
        numbers.place_of(f"n{number}", Kind.COUNT)
    with pytest.raises(ValueError, match="no room for another name"):
        numbers.place_of("one", Kind.COUNT)
    assert numbers.shown().keys() == {f"n{number}" for number in range(room)}
