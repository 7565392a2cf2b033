"""Some of many come from everywhere among them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edgener_export.corpus.sampling import evenly_spread


@given(st.integers(0, 300), st.integers(1, 400))
def test_gaps_differ_by_one_at_most(count: int, number: int) -> None:
    chosen = evenly_spread(range(count), number)
    assert len(chosen) == min(count, number)
    assert chosen[:1] == list(range(count))[:1]
    gaps = [right - left for left, right in pairwise([*chosen, count])]
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_evenly_spread_items_come_from_the_whole_range() -> None:
    assert evenly_spread(range(10), 3) == [0, 3, 6]
    assert evenly_spread("abc", 5) == ["a", "b", "c"]
