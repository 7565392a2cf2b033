"""Lays out rows of text in columns, as a terminal shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from unicodedata import category, east_asian_width


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return rows of equally many cells as lines, each column as wide as its widest cell; empty without rows."""
    rows = list(rows)
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "".join(f"{line}\n" for line in lines)


def _width(cell: str) -> int:
    """Return the columns that a terminal needs for a text: two for an ideograph, none for a mark."""
    return sum(
        0 if category(character) in ("Mn", "Me", "Cf") else 1 + (east_asian_width(character) in "WF")
        for character in cell
    )
