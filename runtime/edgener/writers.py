"""Writers, which turn the segments of documents into text: their protocol, and what several of them share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from edgener.entity import Entity
from edgener.lone_surrogates import JSON_ESCAPES
from edgener.recognizer import Segment
from edgener.tags import OUTSIDE

BIO, BILUO = ("B", "I", "I", "B"), ("B", "I", "L", "U")
"""Letters of the tags of an entity's first, middle and last characters, and of its only one."""
_ENCODER = json.JSONEncoder(ensure_ascii=False)


class Place(NamedTuple):
    """The place that a document was read from."""

    file: str | None
    """Name of the file, or None for a text that was given as an argument or on standard input."""
    line: int
    """Number of the line, counted from 1."""
    left_out: int = 0
    """Code points of the file before the document that are no part of it: 1 after a byte order mark."""


class Writer(Protocol):
    """A function that is called with the segments of a document, one after the other."""

    def __call__(self, place: Place, segment: Segment, /) -> str:
        """Return the output that this segment adds; a document's last segment ends its last line."""


class InText:
    """A writer of the text itself; an entity that reaches into the next segment is written only once."""

    def __init__(self) -> None:
        self._written = 0
        """Code points of the document that were written."""

    def __call__(self, place: Place, segment: Segment) -> str:
        output = []
        if segment.start == 0:
            self._written = 0
            output.append(self._opening(place))
        for text, entity in self._runs(segment):
            output.append(self._run(text, entity))
            self._written += len(text)
        if segment.is_last:
            output.append(self._closing())
        return "".join(output)

    def _runs(self, segment: Segment) -> Iterator[tuple[str, Entity | None]]:
        """Yield the segment's text in order, as runs with their entity, which is None between entities."""
        for entity in segment.entities:
            yield segment.text[self._written - segment.start : entity.start - segment.start], None
            yield entity.text, entity
        yield segment.text[self._written - segment.start :], None

    def _opening(self, _place: Place) -> str:
        return ""

    def _run(self, text: str, entity: Entity | None) -> str:
        raise NotImplementedError

    def _closing(self) -> str:
        return "\n"


def tags(length: int, entity: Entity | None, letters: Sequence[str]) -> list[str]:
    """Return the tags of the characters of an entity, or of text outside of entities; ``letters`` are BIO or BILUO."""
    if entity is None:
        return [OUTSIDE] * length
    first, middle, last, single = letters
    prefixes = [single] if length == 1 else [first, *[middle] * (length - 2), last]
    return [f"{prefix}-{entity.label}" for prefix in prefixes]


def encoded(value: object) -> str:
    """Return a value as JSON that can be written as UTF-8."""
    return _ENCODER.encode(value).translate(JSON_ESCAPES)
