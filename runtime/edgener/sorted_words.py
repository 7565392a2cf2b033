"""Up to hundreds of thousands of words in a few flat arrays, sorted by their hashes."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable
from io import StringIO
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgener.substring_hashes import SubstringHashes, code_points, hash_of
from edgener.word_files import Word, fault

WORDS_AT_ONCE = 1024
"""Words that are brought into their form together; more would take more memory."""
SEPARATOR = "\n"
"""A character that no word holds."""


class Meaning(NamedTuple):
    """The type and the priority or the weight of a word."""

    label: str
    priority: int
    weight: float = 0.0
    """The number that a hint adds to the logits of its tags; 0 for a word that is forced."""

    def __str__(self) -> str:
        """Return the meaning in the words of a message."""
        return (
            f"{self.label} with weight +{self.weight}" if self.weight else f"{self.label} with priority {self.priority}"
        )


class _Columns:
    """The words in the order in which they were given, one array for each kind of value."""

    def __init__(self, words: Iterable[Word], seen: Callable[[str], str]) -> None:
        self.hashes, self.lengths, self.meanings, self.lines = array("Q"), array("H"), array("H"), array("I")
        text = StringIO()
        numbers: dict[tuple[str, int, float], int] = {}
        remaining = iter(words)
        while some := list(islice(remaining, WORDS_AT_ONCE)):
            shown = seen(SEPARATOR.join([word.text for word in some]))
            text.write(shown.replace(SEPARATOR, ""))
            codes = code_points(shown)
            ends = np.append(np.flatnonzero(codes == ord(SEPARATOR)), len(codes))
            starts = np.append(0, ends[:-1] + 1)
            self.hashes.frombytes(SubstringHashes(codes).of(starts, ends).tobytes())
            self.lengths.frombytes((ends - starts).astype(np.uint16).tobytes())
            self.lines.extend([word.line for word in some])
            self.meanings.extend([numbers.setdefault(word[2:], len(numbers)) for word in some])
        self.text = text.getvalue()
        """All words, one after the other, in the form that ``seen`` gives them."""
        self.ends = np.cumsum(as_numpy(self.lengths), dtype=np.uint32)
        """The place in ``text`` after each word."""
        self.all_meanings = tuple(Meaning(*meaning) for meaning in numbers)
        """The meanings that occur; the numbers in ``meanings`` are places in it."""

    def word(self, number: int) -> str:
        """Return a word by its number in the order in which they were given, from 0."""
        end = int(self.ends[number])
        return self.text[end - self.lengths[number] : end]

    def order(self, name: str) -> NDArray[np.intp]:
        """Return the numbers of the different words, sorted by hash; raise the errors of ``SortedWords``."""
        hashes = as_numpy(self.hashes)
        order = hashes.argsort(kind="stable")
        (earlier,) = (hashes[order[1:]] == hashes[order[:-1]]).nonzero()
        firsts: dict[str, int] = {}
        is_repeated = np.zeros(len(order), dtype=np.bool_)
        for number in sorted({*order[earlier].tolist(), *order[earlier + 1].tolist()}):
            first = firsts.setdefault(self.word(number), number)
            if first != number:
                self._require_same(name, first, number)
                is_repeated[number] = True
        return order[~is_repeated[order]]

    def _require_same(self, name: str, first: int, later: int) -> None:
        """Raise an error where two entries for one word say different things of it."""
        one, other = (self.all_meanings[self.meanings[number]] for number in (first, later))
        if one != other:
            place = f" in line {self.lines[first]}" if self.lines[first] else ""
            message = f"{self.word(later)!r} is {other}, but{place} {one}; keep one of them"
            raise fault(name, self.lines[later], message)


class SortedWords:
    """Different words with their meanings, which have places; words of the same hash stand side by side."""

    def __init__(self, words: Iterable[Word], name: str, seen: Callable[[str], str]) -> None:
        """Take ``words`` in the form that ``seen`` gives them; ``name`` is their name in messages.

        ``seen`` is given many words at once, with line feeds between them, and must give each the form that it gives
        the word alone. Raises InputError or UsageError where one word has two types or two priorities.
        """
        columns = _Columns(words, seen)
        order = columns.order(name)
        self.text = columns.text
        """All words, one after the other, in the order in which they were given."""
        self.all_meanings = columns.all_meanings
        """The meanings that occur."""
        self._hashes, self._lengths = _sorted(columns.hashes, order), _sorted(columns.lengths, order)
        self._meanings = _sorted(columns.meanings, order)
        self._starts = array("I", (columns.ends[order] - as_numpy(self._lengths)).tobytes())

    def __len__(self) -> int:
        """Return the number of different words."""
        return len(self._hashes)

    @property
    def hashes(self) -> NDArray[np.uint64]:
        """Return the hashes of all words, ascending."""
        return as_numpy(self._hashes)

    @property
    def starts(self) -> NDArray[np.uint32]:
        """Return the places in ``text`` at which the words start."""
        return as_numpy(self._starts)

    @property
    def lengths(self) -> NDArray[np.uint16]:
        """Return the numbers of the words' characters."""
        return as_numpy(self._lengths)

    @property
    def meanings(self) -> NDArray[np.uint16]:
        """Return the meanings of the words, as places in ``all_meanings``."""
        return as_numpy(self._meanings)

    def meaning(self, word: str) -> Meaning | None:
        """Return the meaning of a word in the form of ``seen``; None where there is no such word."""
        hash_of_word = hash_of(word)
        place = bisect_left(self._hashes, hash_of_word)
        while place < len(self._hashes) and self._hashes[place] == hash_of_word:
            meaning = self.meaning_at(place, word)
            if meaning:
                return meaning
            place += 1
        return None

    def meaning_at(self, place: int, word: str) -> Meaning | None:
        """Return the meaning of the word at a place; None where it is not ``word``."""
        start = self._starts[place]
        if self.text[start : start + self._lengths[place]] != word:
            return None
        return self.all_meanings[self._meanings[place]]


def _sorted(values: array[int], order: NDArray[np.intp]) -> array[int]:
    return array(values.typecode, as_numpy(values)[order].tobytes())


def as_numpy(values: array[int]) -> NDArray[Any]:
    """Return a view of an array."""
    return np.frombuffer(values, dtype=values.typecode)
