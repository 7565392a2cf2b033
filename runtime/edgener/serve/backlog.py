"""Work that several parties have waiting, added up in constant time as a newcomer would see it who takes turns."""

from __future__ import annotations

MOST_DIGITS = 32
"""Amounts have at most so many binary digits."""


class Backlog:
    """Amounts of work, of which those with equally many binary digits are counted together."""

    __slots__ = ("_counts", "_sums", "total")

    def __init__(self) -> None:
        self.total = 0
        self._counts = [0] * (MOST_DIGITS + 1)
        self._sums = [0] * (MOST_DIGITS + 1)

    def change(self, before: int, after: int) -> None:
        """Replace one amount by another; 0 stands for none."""
        self.total += after - before
        if before:
            digits = before.bit_length()
            self._counts[digits] -= 1
            self._sums[digits] -= before
        if after:
            digits = after.bit_length()
            self._counts[digits] += 1
            self._sums[digits] += after

    def capped(self, most: int) -> int:
        """Return the sum of the amounts, each cut to ``most``, or up to twice that sum."""
        digits = most.bit_length()
        return (
            sum(self._sums[:digits])
            + min(self._sums[digits], self._counts[digits] * most)
            + sum(self._counts[digits + 1 :]) * most
        )
