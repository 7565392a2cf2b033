"""Progress of a job in one line on a terminal: share, texts a second, time left, and everything that went wrong."""

from __future__ import annotations

import time

from edgener.corpora.annotate import Counts
from edgener.standard_streams import is_terminal, show

EVERY = 0.5
"""Seconds between two updates."""


class JobProgress:
    """One line on standard error that is overwritten in place; a context manager that erases it.

    Nothing is shown unless standard error is a terminal.
    """

    def __init__(self, total: int) -> None:
        self._left, self._done = total, 0
        self._texts = self._errors = self._deaths = 0
        self._started = time.monotonic()
        self._next = self._started + EVERY if is_terminal() else float("inf")
        self._is_shown = False

    def __enter__(self) -> JobProgress:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._is_shown:
            show("\r\x1b[K")

    def skip(self, size: int) -> None:
        """Count bytes of input that were done before, or are done by another shard."""
        self._left -= size

    def advance(self, size: int, counts: Counts) -> None:
        """Count a part of so many bytes of input."""
        self._left -= size
        self._done += size
        self._texts += counts.texts
        self._errors += counts.errors

    def died(self) -> None:
        """Count a worker process that died."""
        self._deaths += 1

    def update(self) -> None:
        """Show the line again if it is time."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY
        show(f"\r{self.line(now - self._started)}\x1b[K")
        self._is_shown = True

    def line(self, seconds: float) -> str:
        """Return the line after so many seconds of work."""
        share = self._done / (self._done + self._left) if self._done + self._left > 0 else 1.0
        parts = [f"edgener map [{'#' * round(20 * share):<20}] {share:4.0%}", f"{self._texts / seconds:,.0f} texts/s"]
        if self._done:
            parts.append(f"{duration(seconds * self._left / self._done)} left")
        if self._errors:
            parts.append(f"{self._errors:,} rows with an error")
        if self._deaths:
            parts.append(f"{self._deaths} worker processes died")
        return ", ".join(parts)


def duration(seconds: float) -> str:
    """Return a time in its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
