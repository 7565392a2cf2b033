"""A dictionary of up to hundreds of thousands of words, and the search for its words in a text.

A table that is indexed by a digest of two characters says which lengths the words have that begin with them. numpy
hashes the parts of the text that it names, and looks for them among the sorted hashes of all words. Those that it finds
are candidates: they almost certainly stand in the text, and are compared with it only where it matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgener.hash_filter import HashFilter
from edgener.sorted_words import SortedWords
from edgener.substring_hashes import SubstringHashes, code_points
from edgener.word_files import Word

SMALLEST_TABLE, LARGEST_TABLE = 1 << 10, 1 << 20
"""Fewest and most entries of the table of first characters, of 8 bytes each."""
LENGTH_BITS = 64
"""Lengths from this one on share the last bit of a table's entry."""
LOOK_UPS_AT_ONCE = 1 << 15
"""Parts of a text that are looked up together, at most; they bound the memory."""
Candidate = tuple[int, int, int, int, int]
"""The negative priority of a word, where it starts in the text, minus where it ends there, its layer and its place.

Candidates are in ascending order as they are preferred: by priority, then from left to right, then the longest."""


class Dictionary:
    """Words with their types and priorities; threads may share it."""

    def __init__(self, words: Iterable[Word], name: str, seen: Callable[[str], str]) -> None:
        """Take the same arguments as SortedWords, and raise its errors."""
        self.words = SortedWords(words, name, seen)
        """The words; a candidate says where one stands in them."""
        lengths = self.words.lengths
        (all_lengths,) = np.bincount(lengths).nonzero()
        self._has_single_characters = 1 in all_lengths
        self._longer_lengths = all_lengths[all_lengths > 1]
        self._length_bits = _length_bits(self._longer_lengths)
        self._table = _lengths_by_beginning(code_points(self.words.text), self.words.starts, lengths)
        self._beginnings_at_once = LOOK_UPS_AT_ONCE // max(1, len(self._longer_lengths))
        self._filter = HashFilter(self.words.hashes)
        self._most_of_one_hash = _longest_run(self.words.hashes)
        priorities = np.array([meaning.priority for meaning in self.words.all_meanings], dtype=np.int8)
        self._ranks = -priorities[self.words.meanings]
        self.longest = int(all_lengths.max(initial=0))
        """Characters of the longest word."""
        self.priorities = frozenset(priorities.tolist())
        """The priorities that occur."""
        self.has_hints = any(meaning.weight for meaning in self.words.all_meanings)
        """Some words have weights."""

    def candidates(self, text: str, layer: int = 0) -> list[Candidate]:
        """Return all words that may stand in ``text``, in no special order; ``SortedWords.meaning_at`` says which do.

        ``layer`` is a number by which the caller knows this dictionary.
        """
        codes = code_points(text)
        found: list[Candidate] = []
        hashes, hashes_of_words = SubstringHashes(codes), self.words.hashes
        for starts, ends in self._parts(codes):
            hashes_of_parts = hashes.of(starts, ends)
            (parts,) = self._filter.may_hold(hashes_of_parts).nonzero()
            starts, ends, hashes_of_parts = starts[parts], ends[parts], hashes_of_parts[parts]
            first_places = hashes_of_words.searchsorted(hashes_of_parts)
            for further in range(self._most_of_one_hash):
                places = first_places + further
                is_found = hashes_of_words.take(places, mode="clip") == hashes_of_parts
                (parts,) = (is_found & (places < len(hashes_of_words))).nonzero()
                if not len(parts):
                    break
                places = places[parts]
                ranks, its_starts, minus_ends = self._ranks[places], starts[parts], -ends[parts]
                columns = [column.tolist() for column in (ranks, its_starts, minus_ends)]
                found.extend(zip(*columns, repeat(layer), places.tolist(), strict=False))
        return found

    def _parts(self, codes: NDArray[np.uint32]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Yield the starts and the ends of those parts of a text that may be words, as the table says."""
        if self._has_single_characters:
            positions = np.arange(len(codes))
            yield positions, positions + 1
        bits = self._table[_places(codes[:-1], codes[1:], len(self._table))]
        (beginnings,) = bits.nonzero()
        for first in range(0, len(beginnings), self._beginnings_at_once):
            some = beginnings[first : first + self._beginnings_at_once]
            rows, columns = (bits[some, None] & self._length_bits).nonzero()
            starts = some[rows]
            ends = starts + self._longer_lengths[columns]
            is_inside = ends <= len(codes)
            yield starts[is_inside], ends[is_inside]


def _longest_run(values: NDArray[Any]) -> int:
    """Return how often the most frequent of sorted values occurs."""
    length = 1
    while (values[length:] == values[:-length]).any():
        length += 1
    return length


def _lengths_by_beginning(
    codes: NDArray[np.uint32], starts: NDArray[np.uint32], lengths: NDArray[np.uint16]
) -> NDArray[np.uint64]:
    """Return the table of the lengths of the words that begin with two characters."""
    size = SMALLEST_TABLE
    while size < min(4 * len(lengths), LARGEST_TABLE):
        size *= 2
    table = np.zeros(size, dtype=np.uint64)
    is_longer = lengths > 1
    firsts = starts[is_longer]
    places = _places(codes[firsts], codes[firsts + 1], size)
    np.bitwise_or.at(table, places, _length_bits(lengths[is_longer]))
    return table


def _length_bits(lengths: NDArray[Any]) -> NDArray[np.uint64]:
    """Return the bits that stand for lengths in an entry of the table."""
    bits: NDArray[np.uint64] = np.uint64(1) << (np.minimum(lengths, LENGTH_BITS) - 1).astype(np.uint64)
    return bits


def _places(first: NDArray[np.uint32], second: NDArray[np.uint32], size: int) -> NDArray[Any]:
    """Return the entries of a table of ``size``, a power of two, for pairs of characters."""
    mixed = (first * np.uint32(0x9E3779B1) + second) * np.uint32(0x85EBCA6B)
    return (mixed >> np.uint32(8)) & np.uint32(size - 1)
