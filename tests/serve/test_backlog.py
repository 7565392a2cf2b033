"""A backlog tells what goes before a newcomer, whatever was added, changed and removed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgener.serve.backlog import Backlog

AMOUNTS = st.lists(st.integers(1, 5000), max_size=12)


@given(AMOUNTS, AMOUNTS, st.integers(1, 6000))
def test_capped_is_the_sum_of_capped_amounts_or_up_to_twice_that(
    kept: list[int], removed: list[int], most: int
) -> None:
    backlog = Backlog()
    for amount in kept:
        backlog.change(0, amount + 7)
    for amount in removed:
        backlog.change(0, amount)
    for amount in kept:
        backlog.change(amount + 7, amount)
    for amount in removed:
        backlog.change(amount, 0)
    right = sum(min(amount, most) for amount in kept)
    assert backlog.total == sum(kept)
    assert right <= backlog.capped(most) <= 2 * right


@given(AMOUNTS, st.integers(1, 6000))
def test_amounts_that_are_no_larger_than_the_cap_are_added_up_exactly(amounts: list[int], most: int) -> None:
    backlog = Backlog()
    fitting = [amount for amount in amounts if amount <= most // 2]
    for amount in fitting:
        backlog.change(0, amount)
    assert backlog.capped(most) == sum(fitting)
