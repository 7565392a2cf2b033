"""The progress of work that takes minutes or hours: a bar on a terminal, a line each minute in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType

from tqdm import tqdm

FIRST_LINE = 10.0
"""Seconds until the first line in a log: what is over sooner needs none."""
EVERY = 60.0
"""Seconds between two lines in a log."""


class Progress:
    """Shows on stderr how many of ``total`` pieces of work are done, how fast they go, and how much time is left.

    On a terminal it is one line that is overwritten in place; elsewhere a line is written every minute.
    """

    def __init__(
        self,
        title: str,
        total: int,
        unit: str,
        *,
        done: int = 0,
        shown: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``done`` pieces were done by an earlier command; nothing is written unless ``shown``."""
        self._title, self._total, self._unit = title, total, unit
        self._first = self._done = done
        self._clock, self._started = clock, clock()
        is_terminal = sys.stderr.isatty()
        self._bar = tqdm(total=total, initial=done, unit=unit, desc=title, disable=not (shown and is_terminal))
        self._next_line = self._started + FIRST_LINE if shown and not is_terminal else float("inf")

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.close()

    def advance(self, **figures: str) -> None:
        """Count one more piece of work; ``figures`` are shown beside it by their names."""
        self._done += 1
        self._bar.set_postfix(figures, refresh=False)
        self._bar.update()
        now = self._clock()
        if now >= self._next_line:
            self._next_line = now + EVERY
            print(self._line(now - self._started, figures), file=sys.stderr, flush=True)

    def _line(self, seconds: float, figures: dict[str, str]) -> str:
        rate = (self._done - self._first) / max(seconds, 1e-9)
        left = timedelta(seconds=round((self._total - self._done) / rate))
        shown = "".join(f"{name} {value}, " for name, value in figures.items())
        share = self._done / self._total
        return (
            f"{self._title}: {self._unit} {self._done} of {self._total} ({share:.0%}), {shown}"
            f"{_rate(rate, self._unit)}, {left} left"
        )


def _rate(rate: float, unit: str) -> str:
    return f"{rate:.1f} {unit}/s" if rate >= 1 else f"{1 / rate:.1f} s/{unit}"
