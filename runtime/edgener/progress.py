"""Progress of the reading of a long file, shown on standard error where that is a terminal."""

from __future__ import annotations

import sys
import time

from edgener.standard_streams import is_terminal, show

FIRST_AFTER = 2.0
"""Seconds; work that ends sooner needs no progress."""
EVERY = 0.2
"""Seconds between two updates."""
WIDTH = 30
"""Characters of a full bar."""


class Progress:
    """One line on standard error that is overwritten in place, and erased at the end.

    Nothing is shown where standard error is no terminal, where standard output is one, so that results would be written
    into the line, or where the input is typed on one.
    """

    def __init__(self, name: str, total: int, *, is_typed: bool = False) -> None:
        """Begin to count; ``total`` is the number of bytes, or 0 where it is not known, as of a pipe."""
        self._name, self._total = name, total
        self._done = 0
        self._started = time.monotonic()
        is_seen = is_terminal() and not is_typed and not (sys.stdout is not None and sys.stdout.isatty())
        self._next = self._started + FIRST_AFTER if is_seen else float("inf")
        self._shown = False

    def advance(self, amount: int) -> None:
        """Count ``amount`` more bytes, and show the line if it was not shown just now."""
        self._done += amount
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY
        show(f"\r{self._name} {self._line(now - self._started)} \x1b[K")
        self._shown = True

    def close(self) -> None:
        """Erase the line."""
        if self._shown:
            show("\r\x1b[K")

    def _line(self, seconds: float) -> str:
        if not self._total:
            return f"{self._done / 1e6:.1f} MB read"
        share = min(self._done / self._total, 1.0)
        bar = "#" * round(WIDTH * share)
        remaining = f", {seconds * (1 - share) / share:.0f} s left" if share else ""
        return f"[{bar:<{WIDTH}}] {share:4.0%}{remaining}"
