"""A dictionary of up to hundreds of thousands of words, in a few flat arrays, and the search for its words in a text.

A table that is indexed by a digest of the first two characters says which lengths the words have that begin with them.
Where it names any, and only there, the text is looked up: by bisection of the sorted hashes of all words, and by
comparison with the word itself.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgener.word_files import Word, fault

SMALLEST_TABLE, LARGEST_TABLE = 1 << 10, 1 << 20
"""Fewest and most entries of the table of first characters, of 8 bytes each."""
LENGTH_BITS = 64
"""Lengths from this one on share the last bit of a table's entry."""


class Meaning(NamedTuple):
    """The type and the priority of a word."""

    label: str
    priority: int


class Match(NamedTuple):
    """A word that stands in a text."""

    start: int
    """Position of the word's first character."""
    end: int
    """Position after its last character."""
    meaning: Meaning


class _Columns:
    """The words of a dictionary in the order in which they were given, one array for each kind of value."""

    def __init__(self, words: Iterable[Word], seen: Callable[[str], str]) -> None:
        self.text = StringIO()
        """All words, one after the other, in the form that ``seen`` gives them."""
        self.hashes, self.meanings, self.lines = array("q"), array("H"), array("I")
        self.ends = array("I", [0])
        """Position in ``text`` after each word; the first one stands for the beginning."""
        self.numbers: dict[Meaning, int] = {}
        """All meanings, with the numbers that ``meanings`` holds."""
        for word in words:
            shown = seen(word.text)
            self.text.write(shown)
            self.hashes.append(hash(shown))
            self.meanings.append(self.numbers.setdefault(Meaning(word.label, word.priority), len(self.numbers)))
            self.lines.append(word.line)
            self.ends.append(self.ends[-1] + len(shown))


class Dictionary:
    """Words with their types and priorities; threads may share it."""

    def __init__(self, words: Iterable[Word], name: str, seen: Callable[[str], str]) -> None:
        """Take ``words`` in the form that ``seen`` gives them; ``name`` is the dictionary's name in messages.

        Raises InputError or UsageError where one word has two types or two priorities, or nothing is left of it.
        """
        columns = _Columns(words, seen)
        order = np.argsort(np.frombuffer(columns.hashes, dtype=np.int64), kind="stable")
        self._text, self._all_meanings = columns.text.getvalue(), tuple(columns.numbers)
        self._hashes = _sorted(columns.hashes, order)
        self._starts, self._ends = _sorted(columns.ends[:-1], order), _sorted(columns.ends[1:], order)
        self._meanings = _sorted(columns.meanings, order)
        self._check_repetitions(name, _sorted(columns.lines, order))
        del columns, order  # memory for what follows
        lengths = (_array(self._ends) - _array(self._starts)).astype(np.uint16)
        self._all_lengths = tuple(np.unique(lengths).tolist())
        self._of_one_character = {self._text[self._starts[at]]: at for at in np.flatnonzero(lengths == 1).tolist()}
        self._table = self._lengths_by_beginning(lengths)
        self._lengths_of_bits: dict[int, tuple[int, ...]] = {}
        self.longest = max(self._all_lengths, default=0)
        """Characters of the longest word."""
        self.priorities = frozenset(meaning.priority for meaning in self._all_meanings)
        """The priorities that occur."""

    def __len__(self) -> int:
        """Return the number of entries, repeated ones included."""
        return len(self._hashes)

    def meaning(self, word: str) -> Meaning | None:
        """Return the meaning of a word in the form of ``seen``; None where the dictionary does not have it."""
        at = self._find(word)
        return None if at is None else self._all_meanings[self._meanings[at]]

    def matches(self, text: str) -> Iterator[Match]:
        """Yield every word of the dictionary that stands in ``text``, overlapping ones too, in no special order."""
        if self._of_one_character:
            for position, character in enumerate(text):
                if character in self._of_one_character:
                    yield self._match(position, position + 1, self._of_one_character[character])
        codes = _codes(text)
        bits = self._table[_places(codes[:-1], codes[1:], len(self._table))]
        for position in np.flatnonzero(bits).tolist():
            for length in self._lengths(int(bits[position])):
                at = self._find(text[position : position + length])
                if at is not None and position + length <= len(text):
                    yield self._match(position, position + length, at)

    def _match(self, start: int, end: int, at: int) -> Match:
        return Match(start, end, self._all_meanings[self._meanings[at]])

    def _find(self, word: str) -> int | None:
        """Return the place of a word in the arrays; None where it is not there."""
        key = hash(word)
        at = bisect_left(self._hashes, key)
        while at < len(self._hashes) and self._hashes[at] == key:
            if self._word(at) == word:
                return at
            at += 1
        return None

    def _word(self, at: int) -> str:
        return self._text[self._starts[at] : self._ends[at]]

    def _check_repetitions(self, name: str, lines: array[int]) -> None:
        hashes = np.frombuffer(self._hashes, dtype=np.int64)
        repeated = (np.flatnonzero(hashes[1:] == hashes[:-1]) + 1).tolist()
        for later in sorted(repeated, key=lines.__getitem__):
            first = self._find(self._word(later))
            if first is not None and self._meanings[first] != self._meanings[later]:
                one, other = self._all_meanings[self._meanings[first]], self._all_meanings[self._meanings[later]]
                place = f" in line {lines[first]}" if lines[first] else ""
                raise fault(
                    name,
                    lines[later],
                    f"{self._word(later)!r} is {other.label} with priority {other.priority}, but{place} {one.label} "
                    f"with priority {one.priority}; keep one of them",
                )

    def _lengths_by_beginning(self, lengths: NDArray[np.uint16]) -> NDArray[np.uint64]:
        size = SMALLEST_TABLE
        while size < min(4 * len(lengths), LARGEST_TABLE):
            size *= 2
        table = np.zeros(size, dtype=np.uint64)
        codes, starts = _codes(self._text), _array(self._starts)
        for length in self._all_lengths:
            if length > 1:
                of_length = starts[lengths == length]
                places = _places(codes[of_length], codes[of_length + 1], size)
                table[places] |= np.uint64(1 << min(length, LENGTH_BITS) - 1)
        return table

    def _lengths(self, bits: int) -> tuple[int, ...]:
        """Return the lengths that an entry of the table stands for."""
        if bits not in self._lengths_of_bits:
            self._lengths_of_bits[bits] = tuple(
                length for length in self._all_lengths if length > 1 and bits >> min(length, LENGTH_BITS) - 1 & 1
            )
        return self._lengths_of_bits[bits]


def _sorted(values: array[int], order: NDArray[np.intp]) -> array[int]:
    return array(values.typecode, np.frombuffer(values, dtype=values.typecode)[order].tobytes())


def _array(values: array[int]) -> NDArray[np.uint32]:
    return np.frombuffer(values, dtype=np.uint32)


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _places(first: NDArray[np.uint32], second: NDArray[np.uint32], size: int) -> NDArray[Any]:
    """Return the entries of a table of ``size``, a power of two, for pairs of characters."""
    mixed = (first * np.uint32(0x9E3779B1) + second) * np.uint32(0x85EBCA6B)
    return (mixed >> np.uint32(8)) & np.uint32(size - 1)
