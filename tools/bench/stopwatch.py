"""How long a call takes. Standard library only, as the workers are."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What it returns, and its seconds."""
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


def seconds_of(work: Callable[[], object]) -> float:
    """Its seconds alone."""
    return timed(work)[1]
