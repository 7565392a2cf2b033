"""Samples of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def evenly_spread(items: Sequence[Item], number: int) -> list[Item]:
    """Return at most ``number`` of the items, evenly spread."""
    number = min(number, len(items))
    return [items[place * len(items) // number] for place in range(number)]
