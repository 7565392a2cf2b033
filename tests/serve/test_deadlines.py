"""Deadlines come due once, no earlier than they pass and no later than a period afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.serve.deadlines import SLOT_SECONDS, Deadlines

TIMES = st.dictionaries(st.integers(), st.floats(0, 3, allow_nan=False), max_size=20)


@given(TIMES, st.sets(st.integers(0, 19)), st.floats(0, 4))
def test_each_deadline_comes_due_in_its_period(times: dict[Any, float], answered: set[int], now: float) -> None:
    deadlines = Deadlines()
    for name, at in times.items():
        deadlines.add(name, at)
    gone = {name for number, name in enumerate(times) if number in answered}
    for name in gone:
        deadlines.discard(name, times[name])
    due = deadlines.due(now)
    later = deadlines.due(now + 10)
    assert len(due + later) == len(times) - len(gone)
    assert {*due, *later} == times.keys() - gone
    assert all(times[name] <= now + 1e-9 for name in due)
    assert all(times[name] >= now - SLOT_SECONDS - 1e-9 for name in later)
    assert deadlines.due(now + 20) == []


def test_requests_that_are_answered_leave_no_trace() -> None:
    deadlines = Deadlines()
    requests: list[Any] = list(range(10_000))
    for request in requests:
        deadlines.add(request, at=30 + request / 1000)
        deadlines.discard(request, at=30 + request / 1000)
    assert sum(map(len, deadlines._slots.values())) == 0
    assert len(deadlines._slots) == pytest.approx(10 / SLOT_SECONDS, abs=1)
