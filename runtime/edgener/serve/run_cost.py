"""The cost of a run of a model, measured on the machine that it runs on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgener.parts import Part, Row
from edgener.recognizer import Recognizer
from edgener.segmentation import Chunk

LEAST_RUN_TOKENS, MOST_RUN_TOKENS = 16.0, 32.0
"""Bounds of what is believed: in between, all values do well.

A run in a service also wakes threads and finds the caches full of other things, which the measurement does not see;
and other work on the machine delays its short runs."""
SHORT, LONG = 8, 64
"""Lengths in tokens of the runs that are compared."""
REPETITIONS = 5
"""Number of runs of each length, of which the fastest counts."""


@dataclass(frozen=True)
class RunCost:
    """The time of a run with some tokens, padding included: a constant, and a share for each token."""

    run_tokens: float
    """Number of tokens that take as long as the constant."""
    seconds_per_token: float
    """Time that one worker needs for a token, its share of the constant in a long run included."""


def measured_cost(recognizer: Recognizer, clock: Callable[[], float]) -> RunCost:
    """Return the cost of a run of one row, measured in about ten times the time of a long sentence."""
    longest = min(LONG, recognizer.manifest.max_tokens)
    short_rows, long_rows = (_one_row(recognizer, length) for length in (SHORT, longest))
    times = [
        (_seconds(recognizer, clock, short_rows), _seconds(recognizer, clock, long_rows)) for _ in range(REPETITIONS)
    ]
    short, long = map(min, zip(*times, strict=True))
    per_token = (long - short) / (longest - SHORT)
    run_tokens = short / per_token - SHORT if per_token > 0 else MOST_RUN_TOKENS
    return RunCost(min(max(run_tokens, LEAST_RUN_TOKENS), MOST_RUN_TOKENS), long / longest)


def _one_row(recognizer: Recognizer, length: int) -> Sequence[Row]:
    text = "字" * (length - 2)
    return recognizer.rows(Part(Chunk(0, text, 0, len(text)), is_last=True))


def _seconds(recognizer: Recognizer, clock: Callable[[], float], rows: Sequence[Row]) -> float:
    began = clock()
    recognizer.spans(rows)
    return clock() - began
