"""Two labellers' answers to one text, fused into labels to learn from, and ranges of which nothing should be learned.

The first labeller is a model of ours: it follows our guideline, but it knows the names of its own corpus. The second
is LAC, whose guideline differs, but who knows the names of today. Where both agree, the label is theirs; where they do
not, the kind of text and the first labeller's certainty decide. What remains open is left out of the loss.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

from edgener import Entity
from edgener.span_rules import LAUGHTER
from edgener.tags import Span
from edgener_export.corpus.overlaps import overlap
from edgener_export.corpus.sentence import Sentence
from edgener_export.labelling.lac import Word

OUR_TYPES = ("PER", "LOC", "ORG")
NO_NAME = frozenset({"汉族", "中共"})
"""Words that LAC takes for organizations and our guideline does not."""
NEVER_IN_A_NAME = re.compile(r"[@＠#＃:：/|\[\]【】《》\"“”,，。！!？?…~～]|http|www|vs")
TITLE = re.compile(r"(?:先生|女士|小姐|太太|老师|教授|主席|总统|总理|夫妇|同学|同志)$")
"""Forms of address that LAC keeps in a person's name."""


@dataclass(frozen=True)
class Trust:
    """Least scores at which an entity of our model is believed, by what LAC says of its place."""

    alone: float
    """LAC sees no name there."""
    same_type: float
    """LAC sees a name of the same type with other ends."""
    other_type: float
    """LAC sees a name of another type."""
    takes_lac: bool
    """Names that LAC alone sees are labels; otherwise they are left out of the loss."""


NEWS = Trust(alone=0.7, same_type=0.6, other_type=0.6, takes_lac=False)
"""Text of the kind that our model learned from."""
MODERN = Trust(alone=0.97, same_type=0.95, other_type=0.99, takes_lac=True)
"""Every other text."""
LEAST_DOUBT = 0.6
"""Entities of our model below this score are taken for no name; from here to ``Trust`` they are left open."""


class KnownNames:
    """Names of organizations that are labels wherever LAC's words begin and end with them."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        self.longest = max(map(len, self.names), default=0)


class _Name(NamedTuple):
    """A name that LAC or the list of known names gives."""

    span: Span
    is_known: bool


def fuse(text: str, entities: Sequence[Entity], words: Sequence[Word], known: KnownNames, trust: Trust) -> Sentence:
    """Return the text with fused labels, and with the ranges that stay open as ``ignored``.

    ``known`` names organizations: where one of them is a whole number of LAC's words, it is an organization whatever
    the two labellers say.
    """
    ours = [entity for entity in entities if not LAUGHTER.fullmatch(entity.text)]
    theirs = list(_names(text, words, known))
    labels: list[Span] = []
    open_ranges: list[tuple[int, int]] = []
    settled: set[Span] = set()
    for entity in ours:
        span = Span(entity.start, entity.end, entity.label)
        rivals = [name for name in theirs if overlap(span, name.span)]
        if any(rival.is_known and rival.span != span for rival in rivals):
            continue
        if entity.score >= _least_score(span, rivals, trust):
            labels.append(span)
            settled.update(rival.span for rival in rivals)
        elif not rivals and entity.score >= LEAST_DOUBT:
            open_ranges.append((span.start, span.end))
    for name in theirs:
        if name.span in settled or any(overlap(name.span, label) for label in labels):
            continue
        if trust.takes_lac or name.is_known:
            labels.append(name.span)
        else:
            open_ranges.append((name.span.start, name.span.end))
    still_open = (place for place in open_ranges if not any(overlap(Span(*place, ""), label) for label in labels))
    return Sentence(text, tuple(sorted(labels)), ignored=tuple(sorted(still_open)))


def _least_score(span: Span, rivals: Sequence[_Name], trust: Trust) -> float:
    if not rivals:
        return trust.alone
    if any(rival.span == span for rival in rivals):
        return 0.0
    return trust.same_type if any(rival.span.label == span.label for rival in rivals) else trust.other_type


def _names(text: str, words: Sequence[Word], known: KnownNames) -> Iterator[_Name]:
    """Yield LAC's names in our guideline, left to right, and the known ones instead of what they overlap."""
    certain = list(_known_names(text, words, known))
    for word in words:
        span = _projected(text, word)
        if span and not any(overlap(span, name.span) for name in certain):
            certain.append(_Name(span, is_known=False))
    yield from sorted(certain)


def _projected(text: str, word: Word) -> Span | None:
    name = text[word.start : word.end]
    is_name = word.tag in OUR_TYPES and name not in NO_NAME and not name.isdigit() and name == name.strip()
    if not is_name or NEVER_IN_A_NAME.search(name) or LAUGHTER.fullmatch(name):
        return None
    end = word.end
    if word.tag == "PER":
        title = TITLE.search(name)
        if title and title.start():
            end = word.start + title.start()
    return Span(word.start, end, word.tag)


def _known_names(text: str, words: Sequence[Word], known: KnownNames) -> Iterator[_Name]:
    """Yield the longest known names that begin and end with words, left to right and never overlapping."""
    place = 0
    for index, first in enumerate(words):
        if first.start < place:
            continue
        ends = takewhile((first.start + known.longest).__ge__, (word.end for word in words[index:]))
        end = max((end for end in ends if text[first.start : end] in known.names), default=0)
        if end:
            yield _Name(Span(first.start, end, "ORG"), is_known=True)
            place = end
