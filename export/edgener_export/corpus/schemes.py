"""Tagging schemes of files: spans from tags, however broken, and tags from spans.

BIO is IOB2. IOB1 (Ramshaw and Marcus, 1995; the files of CoNLL-2003) has B only where a name touches another one of
its type. BMES and BILOU are BIOES with other letters. What a model is trained on is ``edgener.tags``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from edgener.tags import OUTSIDE, Span

BEGINS = frozenset("BSU")
CONTINUES = frozenset("IMEL")
ENDS = frozenset("ESLU")


@dataclass(frozen=True, slots=True)
class Scheme:
    """The letters in front of an entity type, by where in a name they stand."""

    first: str
    inside: str
    last: str
    single: str

    @property
    def prefixes(self) -> frozenset[str]:
        """The set of the four letters."""
        return frozenset((self.first, self.inside, self.last, self.single))

    @property
    def marks_ends(self) -> bool:
        """True if a name's last position has a letter of its own."""
        return self.last != self.inside


IOB1 = "iob1"
FILE_SCHEMES = {
    "bio": Scheme("B", "I", "I", "B"),
    IOB1: Scheme("B", "I", "I", "B"),
    "bioes": Scheme("B", "I", "E", "S"),
    "bmes": Scheme("B", "M", "E", "S"),
    "bilou": Scheme("B", "I", "L", "U"),
}
"""Tagging schemes of files by the names that the command line uses; ``edgener.tags.SCHEMES`` are those of models."""
PREFIXES = frozenset().union(*(scheme.prefixes for scheme in FILE_SCHEMES.values()))


class Break(NamedTuple):
    """A tag that may not stand where it does."""

    position: int
    """Index in the tag sequence; its length where the sequence stops too early."""
    reason: str


@lru_cache
def is_tag(tag: str) -> bool:
    """Tell whether a string is ``O``, or a known letter, a dash and an entity type."""
    return tag == OUTSIDE or (bool(split_tag(tag)[1]) and split_tag(tag)[0] in PREFIXES)


@lru_cache
def split_tag(tag: str) -> tuple[str, str]:
    """Return letter and entity type of a tag; the type of ``O`` is empty."""
    prefix, _, label = tag.partition("-")
    return prefix, label


def tags_to_spans(tags: Iterable[str]) -> list[Span]:
    """Return the spans of a sequence of tags of any scheme, touching ones apart.

    Broken sequences are read as they are meant most often: a name begins where its first tag stands, whichever letter
    that has, and stops before the first tag that does not go on with it.
    """
    spans: list[Span] = []
    start = end = 0
    label = ""
    for position, tag in enumerate(tags):
        prefix, tag_label = split_tag(tag)
        if label and (tag_label != label or prefix in BEGINS):
            spans.append(Span(start, position, label))
            label = ""
        if tag_label and not label:
            start, label = position, tag_label
        end = position + 1
        if label and prefix in ENDS:
            spans.append(Span(start, end, label))
            label = ""
    if label:
        spans.append(Span(start, end, label))
    return spans


def spans_to_tags(length: int, spans: Iterable[Span], scheme: str) -> list[str]:
    """Return one tag for each of ``length`` positions: the inverse of ``tags_to_spans``."""
    letters = FILE_SCHEMES[scheme]
    tags = [OUTSIDE] * length
    previous = Span(0, 0, "")
    for span in spans:
        first, single = letters.first, letters.single
        if scheme == IOB1 and (previous.end, previous.label) != (span.start, span.label):
            first = single = letters.inside
        inner = [letters.inside] * (span.end - span.start - 2)
        prefixes = [single] if span.end - span.start == 1 else [first, *inner, letters.last]
        tags[span.start : span.end] = [f"{prefix}-{span.label}" for prefix in prefixes]
        previous = span
    return tags


def detect_scheme(sequences: Iterable[Sequence[str]]) -> str | None:
    """Return the scheme of tag sequences; None where no scheme has all of their letters.

    Files of B and I alone are IOB1 only if that explains them and BIO does not. Files without E, S, M, L and U that
    could be both BIOES and BMES are called BIOES: they read the same.
    """
    prefixes: set[str] = set()
    begins_without_need = starts_inside = False
    for tags in sequences:
        previous_label = ""
        for tag in tags:
            prefix, label = split_tag(tag)
            if label:
                prefixes.add(prefix)
                if label != previous_label:
                    begins_without_need |= prefix == "B"
                    starts_inside |= prefix == "I"
            previous_label = label
    if prefixes <= FILE_SCHEMES["bio"].prefixes:
        return IOB1 if starts_inside and not begins_without_need else "bio"
    return next((name for name, scheme in FILE_SCHEMES.items() if prefixes <= scheme.prefixes), None)


def broken(tags: Sequence[str], scheme: str) -> Iterator[Break]:
    """Yield the places where ``spans_to_tags`` could not have written these tags in this scheme."""
    ends_open = FILE_SCHEMES[scheme].marks_ends
    previous = OUTSIDE
    for position, tag in enumerate([*tags, OUTSIDE]):
        if tag == previous == OUTSIDE:
            continue
        prefix, label = split_tag(tag)
        previous_prefix, previous_label = split_tag(previous)
        is_open = bool(previous_label) and previous_prefix not in ENDS
        goes_on = is_open and label == previous_label
        here = f"{tag} after {previous}" if position else f"{tag} at the start"
        if ends_open and is_open and not (goes_on and prefix in CONTINUES):
            last = here if position < len(tags) else f"the end after {previous}"
            yield Break(position, f"{last}: the name has no end")
        elif scheme == IOB1:
            if prefix == "B" and not goes_on:
                yield Break(position, f"{here}: nothing of its type to be kept apart from")
        elif prefix in CONTINUES and not goes_on:
            yield Break(position, f"{here}: the name has no beginning")
        previous = tag
