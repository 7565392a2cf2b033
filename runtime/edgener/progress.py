"""How far a long file is, on a terminal and nowhere else."""

from __future__ import annotations

import time

from edgener.output import is_terminal, show

FIRST_AFTER = 2.0
"""Seconds; what is over sooner needs no progress."""
EVERY = 0.2
"""Seconds between two updates."""


class Progress:
    """One line on stderr that is overwritten in place, and erased at the end."""

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total = name, total
        self._done = 0
        self._started = time.monotonic()
        self._next = self._started + FIRST_AFTER if is_terminal() and total else float("inf")
        self._shown = False

    def advance(self, amount: int) -> None:
        """``amount`` more of ``total`` is done."""
        self._done += amount
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY
        share = min(self._done / self._total, 1.0)
        remaining = (now - self._started) * (1 - share) / share if share else 0.0
        bar = "#" * round(30 * share)
        show(f"\r{self._name} [{bar:<30}] {share:4.0%}, {remaining:.0f} s left \x1b[K")
        self._shown = True

    def close(self) -> None:
        """Erase the line."""
        if self._shown:
            show("\r\x1b[K")
