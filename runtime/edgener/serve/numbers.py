"""Named numbers of a process, which processes that are forked later share, and which stay when it has ended."""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterable
from enum import Enum

MOST_NUMBERS = 1 << 14
MOST_NAME_BYTES = 1 << 20
"""The size of all names; the system gives memory only to what is written."""
NUMBER_BYTES = 8


class Kind(Enum):
    """A kind of numbers, by which they are put together over processes, and stay when theirs has ended or not."""

    COUNT = "c"
    """They are added, and stay."""
    STATE = "s"
    """They are added, and go with the process."""
    GREATEST = "g"
    """The greatest is taken, and they go with the process."""


class Numbers:
    """The numbers of one process, which alone changes them while it lives, from one thread at a time.

    Others read them at any moment: a number changes as a whole, and a name is whole before its number is shown.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, NUMBER_BYTES * (1 + MOST_NUMBERS) + MOST_NAME_BYTES)
        self._names_at = NUMBER_BYTES * (1 + MOST_NUMBERS)
        view = memoryview(self._memory)
        self._end_of_names = view[:NUMBER_BYTES].cast("Q")
        self._values = view[NUMBER_BYTES : self._names_at].cast("d")

    def place_of(self, name: str, kind: Kind) -> int:
        """Return the place of a number, which is 0 where the name is new; a name holds no line end.

        Raises ValueError where there are too many.
        """
        names = self._names()
        entry = kind.value + name
        if entry in names:
            return names.index(entry)
        start, line = self._end_of_names[0], f"{entry}\n".encode()
        if len(names) == MOST_NUMBERS or start + len(line) > MOST_NAME_BYTES:
            raise ValueError(f"{name}: there are {len(names)} numbers already, and no room for another name")
        self._values[len(names)] = 0.0
        self._memory[self._names_at + start : self._names_at + start + len(line)] = line
        self._end_of_names[0] = start + len(line)
        return len(names)

    def __getitem__(self, place: int) -> float:
        return self._values[place]

    def __setitem__(self, place: int, value: float) -> None:
        self._values[place] = value

    def hide(self, place: int) -> None:
        """Show a number no more until it is set again."""
        self._values[place] = math.nan

    def end(self) -> None:
        """Hide what told of the process as it was, when it has ended."""
        for place, name in enumerate(self._names()):
            if Kind(name[0]) is not Kind.COUNT:
                self.hide(place)

    def shown(self) -> dict[str, tuple[Kind, float]]:
        """Return all numbers that are not hidden, by name."""
        values = zip(self._names(), self._values, strict=False)
        return {name[1:]: (Kind(name[0]), value) for name, value in values if not math.isnan(value)}

    def _names(self) -> list[str]:
        end = self._names_at + self._end_of_names[0]
        return self._memory[self._names_at : end].decode().split("\n")[:-1]


def total(processes: Iterable[Numbers]) -> dict[str, float]:
    """Return the numbers of several processes together, by name."""
    found: dict[str, float] = {}
    for numbers in processes:
        for name, (kind, value) in numbers.shown().items():
            before = found.get(name)
            if before is not None:
                value = max(before, value) if kind is Kind.GREATEST else before + value
            found[name] = value
    return found
