"""The pace is that of all workers while they work, and the cost of a run is what the clock says."""

from __future__ import annotations

import pytest

from edgener.serve.pace import Pace
from edgener.serve.run_cost import LEAST_RUN_TOKENS, MOST_RUN_TOKENS, measured_cost
from tests.serve.controlled import RUN_SECONDS, TOKEN_SECONDS, Clock, ControlledSession, controlled_recognizer


def test_idle_time_does_not_count_and_workers_that_wait_for_each_other_do() -> None:
    pace = Pace(workers=2, worker_seconds_per_token=1.0, now=0)
    assert pace.seconds_per_token == 0.5
    now = 0.0
    for _ in range(200):
        now += 1000
        pace.begin(now)
        pace.begin(now)
        now += 3
        pace.done(500, now)
        pace.done(500, now)
        pace.end(now)
        pace.end(now)
    assert pace.seconds_per_token == pytest.approx(0.003, rel=0.05)


def test_the_pace_of_one_busy_worker_stands_for_all() -> None:
    pace = Pace(workers=2, worker_seconds_per_token=1.0, now=0)
    for now in range(2000):
        pace.begin(now)
        pace.done(100, now + 1)
        pace.end(now + 1)
    assert pace.seconds_per_token == pytest.approx(0.005, rel=0.05)


def test_another_model_is_expected_to_have_its_own_pace() -> None:
    pace = Pace(workers=1, worker_seconds_per_token=1.0, now=0)
    pace.expect(0.25)
    assert pace.seconds_per_token == 0.25


def test_the_cost_of_a_run_is_measured() -> None:
    clock = Clock()
    session = ControlledSession(clock)
    session.seconds_of = lambda tokens: 2 * RUN_SECONDS + tokens * TOKEN_SECONDS
    cost = measured_cost(controlled_recognizer(session), clock)
    assert cost.run_tokens == pytest.approx(2 * RUN_SECONDS / TOKEN_SECONDS)
    assert cost.seconds_per_token == pytest.approx(2 * RUN_SECONDS / 64 + TOKEN_SECONDS)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [((0.01, 0.01), MOST_RUN_TOKENS), ((0.0100, 0.0101), MOST_RUN_TOKENS), ((0.001, 0.01), LEAST_RUN_TOKENS)],
)
def test_a_cost_that_cannot_be_is_not_believed(seconds: tuple[float, float], expected: float) -> None:
    clock = Clock()
    session = ControlledSession(clock)
    session.seconds_of = lambda tokens: seconds[tokens > 20]
    cost = measured_cost(controlled_recognizer(session), clock)
    assert cost.run_tokens == expected
    assert cost.seconds_per_token == pytest.approx(seconds[1] / 64)
