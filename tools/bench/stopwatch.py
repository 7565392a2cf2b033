"""A stopwatch for calls. Standard library only, as the workers are."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return the result of a call and its duration in seconds."""
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


def seconds_of(work: Callable[[], object]) -> float:
    """Return the duration of a call in seconds."""
    return timed(work)[1]
