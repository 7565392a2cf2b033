"""Two labellers' answers to one text, fused into labels to learn from, and ranges of which nothing should be learned.

The first labeller is a model of ours: it follows our guideline, but it knows the names of its own corpus. The second
is LAC, whose guideline differs, but who knows the names of today. Where both agree, the label is theirs; where they do
not, the kind of text and the first labeller's certainty decide. What remains open is left out of the loss.

There are two rounds. In the first, LAC teaches: names that it alone sees become labels, for a model that does not know
today's names. In the second, LAC questions: our model has learned from it, so that what LAC alone sees is left open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, NamedTuple

from edgener import Entity
from edgener.span_rules.no_names import LAUGHTER
from edgener.tags import Span
from edgener_export.corpus.name_swap import Name
from edgener_export.corpus.overlaps import overlap
from edgener_export.corpus.sentence import Sentence
from edgener_export.labelling.lac import Word

OUR_TYPES = ("PER", "LOC", "ORG")
NO_NAME = frozenset({"汉族", "中共"})
"""Words that LAC takes for organizations and our guideline does not."""
NEVER_IN_A_NAME = re.compile(r"[@＠#＃:：/|\[\]【】《》\"“”,，。！!？?…~～]|http|www|vs")
TITLE = re.compile(r"(?:先生|女士|小姐|太太|老师|教授|主席|总统|总理|夫妇|同学|同志)$")
"""Forms of address that LAC keeps in a person's name."""


class Certainty(NamedTuple):
    """Least scores at which an entity of our model becomes a label, and at which its place is left open."""

    label: float
    open: float


Fate = Literal["label", "open", "drop"]
"""A name that LAC alone sees becomes a label, stays out of the loss, or is text outside of names."""


@dataclass(frozen=True)
class Trust:
    """The trust in each labeller in one kind of text."""

    alone: Certainty
    """Our model sees a name where LAC sees none."""
    person_alone: Certainty
    """The same for people."""
    same_type: float
    """Least score of our model's entity where LAC sees a name of the same type with other ends."""
    other_type: float
    """Least score where LAC sees a name of another type."""
    over_known: float
    """Least score where a known name has other ends, or our model sees another type there."""
    opens_quarrels: bool
    """The place of an entity that is not believed is left open, with LAC's names that overlap it."""
    lac_alone: Mapping[str, Fate]
    """The fate of names that LAC alone sees, by their type."""


NEVER = 2.0
"""A score that no entity has."""
Trusts = Mapping[str, Trust]
"""The trust in the labellers, by the kind of text."""
_LABELS: Mapping[str, Fate] = {"PER": "label", "LOC": "label", "ORG": "label"}
_OPEN: Mapping[str, Fate] = {"PER": "open", "LOC": "open", "ORG": "open"}
_NO_PLACES: Mapping[str, Fate] = {**_OPEN, "LOC": "drop"}
_PUPIL = Trust(Certainty(0.97, 0.6), Certainty(0.97, 0.6), 0.95, 0.99, NEVER, opens_quarrels=False, lac_alone=_LABELS)
TEACHES: Trusts = {
    "modern": _PUPIL,
    "titles": _PUPIL,
    "news": Trust(Certainty(0.7, 0.6), Certainty(0.7, 0.6), 0.6, 0.6, NEVER, opens_quarrels=False, lac_alone=_OPEN),
}
"""The first round."""
QUESTIONS: Trusts = {
    "modern": Trust(
        Certainty(0.92, 0.65), Certainty(0.92, 0.65), 0.72, 0.72, 0.97, opens_quarrels=True, lac_alone=_NO_PLACES
    ),
    "titles": Trust(
        Certainty(0.92, 0.65), Certainty(0.98, 0.9), 0.72, 0.72, 0.97, opens_quarrels=True, lac_alone=_NO_PLACES
    ),
    "news": Trust(Certainty(0.75, 0.5), Certainty(0.75, 0.5), 0.6, 0.6, 0.97, opens_quarrels=True, lac_alone=_OPEN),
}
"""The second round: in titles, where people are taken for works, a person that our model alone sees needs more."""
KINDS = tuple(QUESTIONS)
ROUNDS: Mapping[str, Trusts] = {"questions": QUESTIONS, "teaches": TEACHES}


class KnownNames:
    """Names that are labels wherever LAC's words begin and end with them."""

    def __init__(self, names: Iterable[Name]) -> None:
        """Take the names; of one that is given with two types, the last type counts."""
        self.types = {name.text: name.label for name in names}
        self.longest = max(map(len, self.types), default=0)


class _Name(NamedTuple):
    """A name that LAC or the list of known names gives."""

    span: Span
    is_known: bool


def fuse(text: str, entities: Sequence[Entity], words: Sequence[Word], known: KnownNames, trust: Trust) -> Sentence:
    """Return the text with fused labels, and with the ranges that stay open as ``ignored``.

    Where one of the ``known`` names is a whole number of LAC's words, it is a label, unless our model is certain of a
    name with other ends or of another type.
    """
    ours = [entity for entity in entities if not LAUGHTER.fullmatch(entity.text)]
    theirs = list(_names(text, words, known))
    labels: list[Span] = []
    open_ranges: list[tuple[int, int]] = []
    settled: set[Span] = set()
    for entity in ours:
        span = Span(entity.start, entity.end, entity.label)
        rivals = [name for name in theirs if overlap(span, name.span)]
        least = _certainty(span, rivals, trust)
        if entity.score >= least.label:
            labels.append(span)
        elif entity.score >= least.open:
            places = [span, *(rival.span for rival in rivals)]
            open_ranges.append((min(place.start for place in places), max(place.end for place in places)))
        else:
            continue
        settled.update(rival.span for rival in rivals)
    for name in theirs:
        if name.span in settled or any(overlap(name.span, label) for label in labels):
            continue
        fate = "label" if name.is_known else trust.lac_alone[name.span.label]
        if fate == "label":
            labels.append(name.span)
        elif fate == "open":
            open_ranges.append((name.span.start, name.span.end))
    still_open = {part for place in open_ranges for part in _without(place, sorted(labels))}
    return Sentence(text, tuple(sorted(labels)), ignored=tuple(sorted(still_open)))


def _without(place: tuple[int, int], labels: Iterable[Span]) -> Iterator[tuple[int, int]]:
    """Yield the parts of a range that lie outside of the labels, which come in their order."""
    start, end = place
    for label in labels:
        if start < label.end and label.start < end:
            if start < label.start:
                yield start, label.start
            start = label.end
    if start < end:
        yield start, end


def _certainty(span: Span, rivals: Sequence[_Name], trust: Trust) -> Certainty:
    """Return how certain our model has to be of a span that overlaps these names."""
    if not rivals:
        return trust.person_alone if span.label == "PER" else trust.alone
    if any(rival.span == span for rival in rivals):
        return Certainty(0, 0)
    if any(rival.is_known for rival in rivals):
        return Certainty(trust.over_known, NEVER)
    least = trust.same_type if any(rival.span.label == span.label for rival in rivals) else trust.other_type
    return Certainty(least, 0 if trust.opens_quarrels else NEVER)


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
        end = max((end for end in ends if text[first.start : end] in known.types), default=0)
        if end:
            yield _Name(Span(first.start, end, known.types[text[first.start : end]]), is_known=True)
            place = end
