"""Numbers out of many measurements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Turns:
    """Seconds of two that took turns: A B A B ..."""

    ours: tuple[float, ...]
    """Seconds of each turn of A."""
    theirs: tuple[float, ...]
    """Seconds of each turn of B."""

    @property
    def ratio(self) -> float:
        """Median over adjacent turns of B / A: what disturbs the machine for longer than two turns cancels out."""
        return median(b / a for a, b in zip(self.ours, self.theirs, strict=True))


def take_turns(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> Turns:
    """Call both ``rounds`` times in turn; each returns its seconds."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return Turns(tuple(a for a, _ in pairs), tuple(b for _, b in pairs))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least ``percent`` of the values do not exceed."""
    ascending = sorted(values)
    return ascending[max(0, ceil(len(ascending) * percent / 100) - 1)]
