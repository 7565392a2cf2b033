"""Rules of a bundle and of an operator, made ready for one model and applied to the segments of documents.

The model's entities are those that it gives without rules. Words of the dictionary are found in the text itself, so
that neither windows nor chunks cut them: a chunk is followed by as much text as the decision about its words needs.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from edgener.dictionary import Candidate, Dictionary
from edgener.entity import Entity
from edgener.errors import UsageError
from edgener.rules import Rules
from edgener.segmentation import WORD_CHARACTERS, Chunk
from edgener.sorted_words import Meaning
from edgener.tags import OUTSIDE, Span, TagSet
from edgener.word_files import dictionary_words, excluded_texts, fault

if TYPE_CHECKING:
    from edgener.parts import Row
    from edgener.recognizer import Segment

START = attrgetter("start")
CERTAIN = 1.0
"""The score of an entity that the dictionary forces."""
SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Variation selectors, as the inside of a regular expression's brackets; words are compared without them."""
IGNORED = re.compile(f"[{SELECTORS}]")
IGNORED_RUN = re.compile(f"[{SELECTORS}]+")
IGNORED_IN_WRAPPED = re.compile(rf"[{SELECTORS}]|(?:\r\n|\r(?!\n)|[\n\u2028])(?!\s)")
"""Variation selectors, and line breaks that do not end a paragraph."""
LINE_BREAKS = "\r\n\u2028"
LATIN = frozenset(WORD_CHARACTERS)
"""Characters between which a line break stands for a blank."""
_INSIDE_NUMBER = re.compile("[0-9０-９](?:[.．][0-9０-９]|,[0-9]{3}(?![0-9]))")
"""A point inside of a number, or a comma before thousands."""
TEXT_PER_CHARACTER = 3
"""Code points of a text that one character of a word may take up, with line breaks and variation selectors."""


class Match(NamedTuple):
    """A word that stands in a text."""

    start: int
    end: int
    meaning: Meaning


class _Comparable(NamedTuple):
    """A text in the form in which words are looked up."""

    text: str
    starts: Sequence[int]
    """The place of each of its characters in the original text."""
    ends: Sequence[int]
    """The place after each of its characters, and after the variation selectors that follow it there."""


class _Words(NamedTuple):
    """The words and the excluded texts of one layer of rules, in the form in which words are looked up."""

    dictionary: Dictionary | None
    excluded: Mapping[str, Collection[str]]
    """The types that are excluded, by text; an empty string stands for all types."""

    def replaces(self, word: str, meaning: Meaning) -> bool:
        """Return whether this layer says of a word that it means something else, or that it is no entity."""
        labels = self.excluded.get(word, ())
        is_excluded = "" in labels or meaning.label in labels
        return is_excluded or self.names(word)

    def names(self, word: str) -> bool:
        """Return whether the dictionary of this layer has a word."""
        return self.dictionary is not None and self.dictionary.words.meaning(word) is not None


def layers_of(bundle_rules: Rules | None, rules: Rules | None) -> list[Rules]:
    """Return the rules of a bundle, unless the operator leaves them out, and then those of the operator, if any."""
    layers = [] if bundle_rules is None or (rules and not rules.of_bundle) else [bundle_rules]
    return layers if rules is None or rules in (Rules(), Rules(of_bundle=False)) else [*layers, rules]


def types_found(labels: Collection[str], layers: Iterable[Rules]) -> frozenset[str]:
    """Return those of a model's types, ``labels``, whose entities are told; of the layers that name types, the last."""
    types = [labels, *(rules.types for rules in layers if rules.types is not None)]
    return frozenset(types[-1])


class OperatorRules:
    """The rules for one model; threads may share them."""

    def __init__(self, layers: Sequence[Rules], labels: Collection[str], seen: Callable[[str], str]) -> None:
        """Read the files of ``layers``; ``labels`` are the model's types, and ``seen`` its aliases.

        A later layer stands over those before it: it replaces scores and types, and adds words and excluded texts, but
        what it says of a word replaces what the others say of this word.
        Raises InputError for a fault of a file, and UsageError for a type that the model does not have.
        """
        self._seen = seen
        self._scores: Mapping[str, float] = {"": 0.0}
        self._types = types_found(labels, layers)
        self._words: list[_Words] = []
        for rules in layers:
            self._scores = {"": 0.0, **rules.scores_over(self._scores)}
            self._words.append(self._read(rules, labels))
        for option, names in (("min_score", set(self._scores) - {""}), ("types", self._types)):
            for name in sorted(names):
                if name not in labels:
                    raise UsageError(f"{option} names {name!r}, which the model does not have; it has {_list(labels)}")
        self._excluded: defaultdict[str, set[str]] = defaultdict(set)
        for words in self._words:
            for text in [text for text in self._excluded if words.names(text)]:
                del self._excluded[text]
            for text, its_labels in words.excluded.items():
                self._excluded[text].update(its_labels)
        dictionaries = [words.dictionary for words in self._words if words.dictionary]
        self._longest = max((dictionary.longest for dictionary in dictionaries), default=0)
        self._levels = len(frozenset[int]().union(*(dictionary.priorities for dictionary in dictionaries)))
        self.has_hints = any(dictionary.has_hints for dictionary in dictionaries)
        """Some words of the dictionaries have weights."""

    def finds(self, label: str) -> bool:
        """Return True if entities of this type are told."""
        return label in self._types

    def hints(self, row: Row, tag_set: TagSet) -> NDArray[np.float32]:
        """Return what the hints in the text of a row add to its logits, with the shape [tokens, tags].

        A hint counts where it stands as a whole word and tokens begin and end with it. It adds its weight to the tags
        of its entity; where several add to one tag, the greatest weight does.
        """
        added = np.zeros((len(row.ids), len(tag_set.tags)), dtype=np.float32)
        text, offset = row.part.chunk.text, int(row.offsets[0, 0])
        starts, ends = ({place: token for token, place in enumerate(places)} for places in row.offsets.T.tolist())
        for start, end, (label, _, weight) in self._hints(text, offset, int(row.offsets[-1, 1])):
            if start in starts and end in ends:
                first, last = starts[start], ends[end] + 1
                spans = [] if label == OUTSIDE else [Span(0, last - first, label)]
                tags = tag_set.tag_ids(last - first, spans)
                tokens = range(first, last)
                added[tokens, tags] = np.maximum(added[tokens, tags], weight)
        return added

    def _hints(self, text: str, first: int, last: int) -> Iterator[Match]:
        """Yield the hints that stand in a text between two places; variation selectors after one are no part of it."""
        shown, starts, ends = self._comparable(text[first:last], join_lines=False)
        for layer, (dictionary, _) in enumerate(self._words):
            candidates = dictionary.candidates(shown, layer) if dictionary and dictionary.has_hints else []
            for _, start, minus_end, _, place in candidates:
                meaning = self._meaning(layer, place, shown[start:-minus_end])
                match_start, last_character = first + starts[start], first + starts[-minus_end - 1]
                if meaning and meaning.weight and _is_whole(text, match_start, first + ends[-minus_end - 1]):
                    yield Match(match_start, last_character + 1, meaning)

    def text_ahead(self, *, join_lines: bool) -> int:
        """Return the number of code points after a chunk that a decision about the words in the chunk can depend on.

        A word waits for those of each higher priority that it overlaps, which wait for others. Five more code points
        say whether a Latin word or a number ends, as in 1,000.
        """
        if not self._longest:
            return 0
        return self._longest * self._levels * (TEXT_PER_CHARACTER if join_lines else 2) + 5

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
            entities = [entity for entity in sorted([*kept, *own], key=START) if entity.label in self._types]
            yield segment._replace(entities=entities)
            if segment.is_last:
                forced_until = 0
            elif own:
                forced_until = own[-1].end

    def _forced(self, chunk: Chunk, forced_until: int, join_lines: bool) -> list[Entity]:
        """Return the entities of the dictionaries that start in the chunk from its core on, left to right."""
        if not self._longest:
            return []
        text, offset = chunk.text + chunk.following, chunk.offset
        return [
            Entity(offset + start, offset + end, meaning.label, text[start:end], CERTAIN)
            for start, end, meaning in self._chosen(text, max(chunk.core_start, forced_until - offset), join_lines)
            if start < len(chunk.text)
        ]

    def _chosen(self, text: str, first: int, join_lines: bool) -> list[Match]:
        """Return the words that are chosen of those that start at ``first`` or later, left to right.

        Of those that overlap, the one of the highest priority is chosen, among equals the one that starts first, and of
        these the longest.
        """
        shown, starts, ends = self._comparable(text, join_lines)
        candidates: list[Candidate] = []
        for layer, words in enumerate(self._words):
            if words.dictionary:
                candidates += words.dictionary.candidates(shown, layer)
        candidates.sort()
        free_from = bisect_left(starts, first)
        taken = bytearray(b"\1" * free_from + b"\0" * (len(shown) - free_from))
        chosen = []
        for _, start, minus_end, layer, place in candidates:
            end = -minus_end
            if taken.find(1, start, end) < 0 and _is_whole(text, starts[start], ends[end - 1]):
                meaning = self._meaning(layer, place, shown[start:end])
                if meaning and not meaning.weight:
                    taken[start:end] = b"\1" * (end - start)
                    chosen.append(Match(starts[start], ends[end - 1], meaning))
        return sorted(chosen)

    def _meaning(self, layer: int, place: int, word: str) -> Meaning | None:
        """Return the meaning of a candidate; None where the text has another word there, or a later layer replaces it.

        ``word`` is what the text has there.
        """
        dictionary = self._words[layer].dictionary
        meaning = dictionary.words.meaning_at(place, word) if dictionary else None
        for later in self._words[layer + 1 :]:
            if meaning and later.replaces(word, meaning):
                return None
        return meaning

    def _comparable(self, text: str, join_lines: bool) -> _Comparable:
        seen, places = self._seen(text), range(len(text))
        ignored = list((IGNORED_IN_WRAPPED if join_lines else IGNORED).finditer(text))
        if not ignored:
            return _Comparable(seen, places, range(1, len(text) + 1))
        characters = list(seen)
        left_out: set[int] = set()
        for match in ignored:
            start, end = match.span()
            if match[0][0] in LINE_BREAKS and text[start - 1 : start] in LATIN and text[end : end + 1] in LATIN:
                characters[start], start = " ", start + 1
            left_out.update(range(start, end))
        kept = [place for place in places if place not in left_out]
        runs = {match.start(): match.end() for match in IGNORED_RUN.finditer(text)}
        ends = [runs.get(place + 1, place + 1) for place in kept]
        return _Comparable("".join(map(characters.__getitem__, kept)), kept, ends)

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

    def _read(self, rules: Rules, labels: Collection[str]) -> _Words:
        """Return the words and excluded texts of one layer."""
        dictionary: Dictionary | None = None
        if rules.dictionary is not None:
            name = "dictionary" if isinstance(rules.dictionary, Mapping) else str(rules.dictionary)
            dictionary = Dictionary(dictionary_words(rules.dictionary, labels), name, self._word)
        excluded: defaultdict[str, set[str]] = defaultdict(set)
        for line, text, label in excluded_texts(() if rules.exclude is None else rules.exclude, labels):
            word = self._word(text)
            excluded[word].add(label)
            meaning = dictionary.words.meaning(word) if dictionary else None
            if meaning and label in ("", meaning.label):
                name = "exclude" if not line else str(rules.exclude)
                raise fault(name, line, f"{text!r} is a word of the dictionary, too; delete it here or there")
        return _Words(dictionary, excluded)


def _is_whole(text: str, start: int, end: int) -> bool:
    """Return whether a part of a text begins and ends where words and characters do.

    A Latin word or a number goes on from one character to the next, a number also over a point before a
    digit or a comma before thousands, and a mark belongs to the character before it.
    """
    if (text[start] in LATIN and text[start - 1 : start] in LATIN) or _begins_inside_number(text, start):
        return False
    after = text[end : end + 1] or "-"
    return not (
        category(after)[0] == "M" or (after in LATIN and text[end - 1] in LATIN) or _INSIDE_NUMBER.match(text, end - 1)
    )


def _begins_inside_number(text: str, start: int) -> bool:
    return start >= 2 and _INSIDE_NUMBER.match(text, start - 2) is not None


def _list(labels: Collection[str]) -> str:
    return ", ".join(labels)
