"""Deadlines of requests, most of which are answered long before."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgener.serve.request import Request

SLOT_SECONDS = 0.05
"""Length of the periods at whose ends deadlines are looked after: the latest that a request expires."""


class Deadlines:
    """Requests by the period in which they expire; one that is answered leaves no trace."""

    def __init__(self) -> None:
        self._slots: dict[int, dict[Request, None]] = {}
        self._order: list[int] = []

    def add(self, request: Request, at: float) -> None:
        """Take a request that expires at a time of the clock."""
        slot = _slot(at)
        if slot not in self._slots:
            self._slots[slot] = {}
            heapq.heappush(self._order, slot)
        self._slots[slot][request] = None

    def discard(self, request: Request, at: float) -> None:
        """Forget a request, if it is still there."""
        requests = self._slots.get(_slot(at))
        if requests:
            requests.pop(request, None)

    def due(self, now: float) -> list[Request]:
        """Return the requests that have expired, and forget them."""
        expired: list[Request] = []
        while self._order and self._order[0] * SLOT_SECONDS <= now:
            expired.extend(self._slots.pop(heapq.heappop(self._order)))
        return expired


def _slot(at: float) -> int:
    return int(at / SLOT_SECONDS) + 1
