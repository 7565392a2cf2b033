"""The pool of rows that may be computed next, of which those of similar length are computed together.

A run computes each row as long as its longest, and costs as much as some more tokens. So a row gets company from its
neighbours in length as long as that lowers the cost of a token that is not padding, and the padding costs less than a
run of their own.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgener.serve.request import QueuedRow

MOST_ROWS = 16
"""Most rows of a run."""
MOST_TOKENS = 256
"""Most tokens of a run of several rows, padding included: more do not fit into the caches of small processors."""
FEW_TOKENS = 64
"""Most tokens of a run of several rows whose client shall not wait for the work of others: a run of it is soon done."""

Entry = tuple[int, int, "QueuedRow"]
"""Length and number of a row, and the row itself."""


class Pool:
    """Rows that may be computed next, from short to long."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._entries)

    def add(self, row: QueuedRow) -> None:
        """Take a row."""
        insort(self._entries, (row.length, row.number, row))

    def remove(self, row: QueuedRow) -> None:
        """Give away a row that is in the pool."""
        del self._entries[self._place(row)]

    def company(self, row: QueuedRow, run_tokens: float, most_tokens: int = MOST_TOKENS) -> list[QueuedRow]:
        """Return ``row``, which is in the pool, with the neighbours that it is best computed with.

        ``run_tokens`` is the constant of edgener.serve.run_cost.RunCost; a row longer than ``most_tokens`` is alone.
        """
        start, end = best_range(self._entries, self._place(row), run_tokens, most_tokens)
        return [neighbour for _, _, neighbour in self._entries[start:end]]

    def _place(self, row: QueuedRow) -> int:
        return bisect_left(self._entries, (row.length, row.number))


def best_range(
    entries: Sequence[Entry], place: int, run_tokens: float, most_tokens: int = MOST_TOKENS
) -> tuple[int, int]:
    """Return the half-open range of entries around the one at ``place`` in which a token costs least."""
    start, end = place, place + 1
    tokens = longest = entries[place][0]
    share = tokens / (run_tokens + longest)
    while end - start < MOST_ROWS:
        count = end - start + 1
        shorter = longer = 0.0
        if start and longest - entries[start - 1][0] < run_tokens and count * longest <= most_tokens:
            shorter = (tokens + entries[start - 1][0]) / (run_tokens + count * longest)
        if end < len(entries):
            length = entries[end][0]
            if (count - 1) * (length - longest) < run_tokens and count * length <= most_tokens:
                longer = (tokens + length) / (run_tokens + count * length)
        if max(shorter, longer) <= share:
            break
        if shorter > longer:
            start -= 1
            tokens += entries[start][0]
            share = shorter
        else:
            longest = entries[end][0]
            tokens += longest
            end += 1
            share = longer
    return start, end
