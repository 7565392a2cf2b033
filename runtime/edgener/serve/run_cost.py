"""The cost of a run of a model, measured on the machine that it runs on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgener.parts import Part
from edgener.recognizer import Recognizer
from edgener.segmentation import Chunk

USUAL_RUN_TOKENS = 12.0
"""Tokens in whose time a run of a small model begins and ends, where it cannot be measured."""
MOST_RUN_TOKENS = 64.0
"""Largest value that is believed: anything else on the machine may have delayed a short run."""
SHORT, LONG = 8, 64
"""Lengths in tokens of the runs that are compared."""
REPETITIONS = 4
"""Number of runs of each length after a first one; the fastest counts."""


@dataclass(frozen=True)
class RunCost:
    """The time of a run with some tokens, padding included: a constant, and a share for each token."""

    run_tokens: float
    """Number of tokens that take as long as the constant."""
    seconds_per_token: float
    """Time that one worker needs for a token, its share of the constant in a long run included."""


def measured_cost(recognizer: Recognizer, clock: Callable[[], float]) -> RunCost:
    """Return the cost of a run of one row, measured in about ten times the time of a long sentence."""
    most = min(LONG, recognizer.manifest.max_tokens)
    seconds = {length: _seconds(recognizer, clock, length) for length in (SHORT, most)}
    per_token = (seconds[most] - seconds[SHORT]) / (most - SHORT)
    if per_token <= 0:
        return RunCost(USUAL_RUN_TOKENS, seconds[most] / most)
    run_tokens = seconds[SHORT] / per_token - SHORT
    return RunCost(min(max(run_tokens, 0.0), MOST_RUN_TOKENS), seconds[most] / most)


def _seconds(recognizer: Recognizer, clock: Callable[[], float], length: int) -> float:
    text = "字" * (length - 2)
    rows = recognizer.rows(Part(Chunk(0, text, 0, len(text)), is_last=True))
    times = []
    for _ in range(1 + REPETITIONS):
        began = clock()
        recognizer.spans(rows)
        times.append(clock() - began)
    return min(times)
