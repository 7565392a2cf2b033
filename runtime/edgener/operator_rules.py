"""Rules of an operator, made ready for one model and applied to the segments of documents.

The model's entities are those that it gives without rules. Words of the dictionary are found in the text itself, so
that neither windows nor chunks cut them: a chunk is followed by as much text as the decision about its words needs.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import category

from edgener.dictionary import Dictionary, Match
from edgener.entity import Entity
from edgener.errors import UsageError
from edgener.rules import Rules
from edgener.segmentation import INSIDE_WORD, WORD_CHARACTERS, Chunk
from edgener.word_files import dictionary_words, excluded_texts, fault

if TYPE_CHECKING:
    from edgener.recognizer import Segment

CERTAIN = 1.0
"""The score of an entity that the dictionary forces."""
SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Variation selectors, as the inside of a regular expression's brackets; words are compared without them."""
IGNORED = re.compile(f"[{SELECTORS}]")
IGNORED_IN_WRAPPED = re.compile(rf"[{SELECTORS}]|(?:\r\n|\r(?!\n)|[\n\u2028])(?!\s)")
"""Variation selectors, and line breaks that do not end a paragraph."""
LINE_BREAKS = "\r\n\u2028"
LATIN = frozenset(WORD_CHARACTERS)
"""Characters between which a line break stands for a blank."""
TEXT_PER_CHARACTER = 3
"""Code points of a text that one character of a word may take up, with line breaks and variation selectors."""


class _Comparable(NamedTuple):
    """A text in the form in which words are looked up."""

    text: str
    places: Sequence[int]
    """The place of each of its characters in the original text."""


class OperatorRules:
    """The rules for one model; threads may share them."""

    def __init__(self, rules: Rules, labels: Collection[str], seen: Callable[[str], str]) -> None:
        """Read the files of ``rules``; ``labels`` are the model's types, and ``seen`` its aliases.

        Raises InputError for a fault of a file, and UsageError for a type that the model does not have.
        """
        self._seen = seen
        self._scores = rules.scores
        self._types = frozenset(labels if rules.types is None else rules.types)
        for option, names in (("min_score", set(self._scores) - {""}), ("types", self._types)):
            for name in sorted(names):
                if name not in labels:
                    raise UsageError(f"{option} names {name!r}, which the model does not have; it has {_list(labels)}")
        self._dictionary: Dictionary | None = None
        if rules.dictionary is not None:
            name = "dictionary" if isinstance(rules.dictionary, Mapping) else str(rules.dictionary)
            self._dictionary = Dictionary(dictionary_words(rules.dictionary, labels), name, self._word)
        self._excluded: dict[str, set[str]] = {}
        self._read_excluded(rules, labels)

    def text_ahead(self, *, join_lines: bool) -> int:
        """Return the number of code points after a chunk that a decision about the words in the chunk can depend on.

        A word waits for those of each higher priority that it overlaps, which wait for others. One more code point
        says whether a Latin word ends.
        """
        if self._dictionary is None:
            return 0
        return self._dictionary.longest * self._dictionary.levels * (TEXT_PER_CHARACTER if join_lines else 2) + 1

    def __call__(self, found: Iterable[tuple[Chunk, Segment]], *, join_lines: bool) -> Iterator[Segment]:
        """Yield the segments with their entities changed; each comes with the chunk that it is the core of."""
        forced_until = 0
        for chunk, segment in found:
            forced = self._forced(chunk, forced_until, join_lines)
            ends = [entity.end for entity in forced]
            core_end = chunk.offset + chunk.core_end
            kept = [
                entity
                for entity in segment.entities
                if entity.start >= forced_until
                and self._is_kept(entity, join_lines)
                and all(entity.end <= other.start for other in forced[bisect_right(ends, entity.start) :][:1])
            ]
            own = [entity for entity in forced if entity.start < core_end]
            entities = sorted(entity for entity in [*kept, *own] if entity.label in self._types)
            yield segment._replace(entities=entities)
            if segment.is_last:
                forced_until = 0
            elif own:
                forced_until = own[-1].end

    def _forced(self, chunk: Chunk, forced_until: int, join_lines: bool) -> list[Entity]:
        """Return the entities of the dictionary that start in the chunk from its core on, left to right."""
        if self._dictionary is None:
            return []
        text, offset = chunk.text + chunk.following, chunk.offset
        candidates = self._candidates(text, self._dictionary, join_lines)
        return [
            Entity(offset + start, offset + end, meaning.label, text[start:end], CERTAIN)
            for start, end, meaning in _chosen(candidates, max(chunk.core_start, forced_until - offset), len(text))
            if start < len(chunk.text)
        ]

    def _candidates(self, text: str, dictionary: Dictionary, join_lines: bool) -> Iterator[Match]:
        """Yield the words that stand in the text as whole words, in positions of the text."""
        comparable = self._comparable(text, join_lines)
        for first, last, meaning in dictionary.matches(comparable.text):
            start, end = comparable.places[first], comparable.places[last - 1] + 1
            while IGNORED.match(text, end):
                end += 1
            cuts_word = INSIDE_WORD.match(text, end - 1) or (start and INSIDE_WORD.match(text, start - 1))
            cuts_character = category(text[end : end + 1] or "-").startswith("M")
            if not cuts_word and not cuts_character:
                yield Match(start, end, meaning)

    def _comparable(self, text: str, join_lines: bool) -> _Comparable:
        seen, places = self._seen(text), range(len(text))
        ignored = list((IGNORED_IN_WRAPPED if join_lines else IGNORED).finditer(text))
        if not ignored:
            return _Comparable(seen, places)
        characters = list(seen)
        left_out: set[int] = set()
        for match in ignored:
            start, end = match.span()
            if match[0][0] in LINE_BREAKS and text[start - 1 : start] in LATIN and text[end : end + 1] in LATIN:
                characters[start], start = " ", start + 1
            left_out.update(range(start, end))
        kept = [place for place in places if place not in left_out]
        return _Comparable("".join(map(characters.__getitem__, kept)), kept)

    def _word(self, text: str) -> str:
        return self._comparable(text, join_lines=False).text

    def _is_kept(self, entity: Entity, join_lines: bool) -> bool:
        """Return whether neither its score nor its text excludes an entity of the model."""
        if entity.score < self._scores.get(entity.label, self._scores[""]):
            return False
        if not self._excluded:
            return True
        labels = self._excluded.get(self._comparable(entity.text, join_lines).text, ())
        return "" not in labels and entity.label not in labels

    def _read_excluded(self, rules: Rules, labels: Collection[str]) -> None:
        if rules.exclude is None:
            return
        for line, text, label in excluded_texts(rules.exclude, labels):
            word = self._word(text)
            self._excluded.setdefault(word, set()).add(label)
            meaning = self._dictionary.meaning(word) if self._dictionary else None
            if meaning and label in ("", meaning.label):
                name = "exclude" if not line else str(rules.exclude)
                raise fault(name, line, f"{text!r} is a word of the dictionary, too; delete it here or there")


def _chosen(candidates: Iterable[Match], first: int, length: int) -> list[Match]:
    """Return the matches that start at ``first`` or later and do not overlap, left to right.

    Of those that overlap, the one of the highest priority is chosen, among equals the one that starts first, and of
    these the longest. ``length`` is that of the text.
    """
    taken = bytearray(length)
    taken[:first] = b"\1" * first
    chosen = []
    for match in sorted(candidates, key=lambda it: (-it.meaning.priority, it.start, -it.end)):
        if taken.find(1, match.start, match.end) < 0:
            taken[match.start : match.end] = b"\1" * (match.end - match.start)
            chosen.append(match)
    return sorted(chosen, key=lambda it: it.start)


def _list(labels: Collection[str]) -> str:
    return ", ".join(labels)
