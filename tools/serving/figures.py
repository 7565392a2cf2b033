"""Figures with the bounds that they must keep, as a table for people and as JSON for programs."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

COMPARE = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True)
class Figure:
    """A figure."""

    name: str
    value: float
    unit: str = ""
    bound: tuple[str, float] | None = None
    """Comparison and value that is asked for, if any."""

    @property
    def is_kept(self) -> bool:
        """Return whether the figure keeps its bound."""
        return self.bound is None or bool(COMPARE[self.bound[0]](self.value, self.bound[1]))


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as lines of a Markdown table."""
    lines = ["| figure | measured | asked for | |", "|---|---:|---:|---|"]
    for figure in figures:
        asked = f"{figure.bound[0]} {figure.bound[1]:g}" if figure.bound else ""
        verdict = "" if not figure.bound else "yes" if figure.is_kept else "**no**"
        lines.append(f"| {figure.name} | {figure.value:.4g} {figure.unit} | {asked} | {verdict} |")
    return "\n".join(lines)


def plain(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """Return the figures as values of JSON."""
    return [
        {"name": f.name, "value": f.value, "unit": f.unit, "bound": f.bound and " ".join(map(str, f.bound)),
         "is_kept": f.is_kept} for f in figures
    ]  # fmt: skip
