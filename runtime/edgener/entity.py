"""The entity, which is the recognizer's answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """A named entity in the caller's own string: ``text[start:end] == entity.text``."""

    start: int
    """First code point of the entity."""
    end: int
    """One past the last code point; always greater than ``start``."""
    label: str
    """Entity type, as the bundle's manifest spells it (PER, LOC, ORG, ...)."""
    text: str
    """The caller's own characters, never normalized."""
    score: float
    """Mean probability of the entity's tags, calibrated where the bundle is, in [0, 1]; 1.0 for a dictionary's word."""

    def to_dict(self) -> dict[str, int | str | float]:
        """Fields by name, in the order in which they are declared."""
        return {name: getattr(self, name) for name in self.__slots__}
