"""Some of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def evenly_spread(items: Sequence[Item], number: int) -> list[Item]:
    """At most so many of the items, evenly spread."""
    return list(items[:: max(1, len(items) // max(1, number))][:number])
