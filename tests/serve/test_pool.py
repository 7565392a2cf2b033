"""A run holds the row whose turn it is and the neighbours that lower the cost of a token, within its limits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.serve.pool import MOST_ROWS, MOST_TOKENS, best_range

RUN_TOKENS = 12.0
LENGTHS = st.lists(st.integers(2, 512), min_size=1, max_size=40).map(sorted)


def entries(lengths: list[int]) -> list[tuple[int, int, Any]]:
    return [(length, number, None) for number, length in enumerate(lengths)]


def cost(lengths: list[int]) -> float:
    """Return the cost of a token that is not padding."""
    return (RUN_TOKENS + len(lengths) * max(lengths)) / sum(lengths)


def padding(lengths: list[int]) -> int:
    return len(lengths) * max(lengths) - sum(lengths)


@given(LENGTHS, st.data())
def test_company_is_cheaper_than_solitude_and_keeps_within_the_limits(lengths: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lengths) - 1))
    start, end = best_range(entries(lengths), place, RUN_TOKENS)
    assert 0 <= start <= place < end <= len(lengths)
    run = lengths[start:end]
    assert len(run) <= MOST_ROWS
    assert len(run) == 1 or len(run) * max(run) <= MOST_TOKENS
    assert cost(run) <= cost([lengths[place]])


@given(LENGTHS, st.integers(1, MOST_TOKENS), st.data())
def test_a_run_of_several_rows_has_no_more_tokens_than_are_wanted(
    lengths: list[int], most_tokens: int, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(lengths) - 1))
    start, end = best_range(entries(lengths), place, RUN_TOKENS, most_tokens)
    assert start <= place < end
    assert end - start == 1 or (end - start) * max(lengths[start:end]) <= most_tokens


@given(LENGTHS, st.data())
def test_no_further_neighbour_would_lower_the_cost(lengths: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lengths) - 1))
    start, end = best_range(entries(lengths), place, RUN_TOKENS)
    for first, last in ((start - 1, end), (start, end + 1)):
        if first >= 0 and last <= len(lengths):
            wider = lengths[first:last]
            is_allowed = len(wider) <= MOST_ROWS and len(wider) * max(wider) <= MOST_TOKENS
            added_padding = padding(wider) - padding(lengths[start:end])
            is_allowed &= added_padding < RUN_TOKENS
            assert not is_allowed or cost(wider) >= cost(lengths[start:end])


@pytest.mark.parametrize(
    ("lengths", "place", "run"),
    [
        ([10] * 20, 7, [10] * 16),
        ([50] * 20, 0, [50] * 5),
        ([10, 40], 0, [10]),
        ([10, 40], 1, [40]),
        ([10, 12, 40], 0, [10, 12]),
        ([10, 12, 40], 1, [10, 12]),
        ([2, 20, 21], 2, [20, 21]),
        ([300, 300], 0, [300]),
    ],
)
def test_runs(lengths: list[int], place: int, run: list[int]) -> None:
    start, end = best_range(entries(lengths), place, RUN_TOKENS)
    assert lengths[start:end] == run


def test_rows_get_more_company_where_a_run_costs_more() -> None:
    found = [best_range(entries([10, 20, 30, 40]), 0, run_tokens) for run_tokens in (0, 12, 25, 1000)]
    assert found == [(0, 1), (0, 2), (0, 3), (0, 4)]
