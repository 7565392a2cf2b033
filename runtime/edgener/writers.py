"""Writers, which turn the segments of documents into text: their protocol, and what several of them share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from edgener.entity import Entity
from edgener.lone_surrogates import JSON_ESCAPES
from edgener.recognizer import Segment

_ENCODER = json.JSONEncoder(ensure_ascii=False)


class Place(NamedTuple):
    """The place that a document was read from."""

    file: str | None
    """Name of the file, or None for a text that was given as an argument or on standard input."""
    line: int
    """Number of the line, counted from 1."""


class Writer(Protocol):
    """A function that is called with the segments of a document, one after the other."""

    def __call__(self, place: Place, segment: Segment, /) -> str:
        """Return the output that this segment adds; a document's last segment ends its last line."""


class InText:
    """A writer of the text itself; an entity that reaches into the next segment is written only once."""

    def __init__(self) -> None:
        self._written = 0

    def __call__(self, _place: Place, segment: Segment) -> str:
        if segment.start == 0:
            self._written = 0
        output = []
        for text, entity in self._runs(segment):
            output.append(self._run(text, entity))
            self._written += len(text)
        return "".join(output) + ("\n" if segment.is_last else "")

    def _runs(self, segment: Segment) -> Iterator[tuple[str, Entity | None]]:
        """Yield the segment's text in order, as runs with their entity, which is None between entities."""
        for entity in segment.entities:
            yield segment.text[self._written - segment.start : entity.start - segment.start], None
            yield entity.text, entity
        yield segment.text[self._written - segment.start :], None

    def _run(self, text: str, entity: Entity | None) -> str:
        raise NotImplementedError


def encoded(value: object) -> str:
    """Return a value as JSON that can be written as UTF-8."""
    return _ENCODER.encode(value).translate(JSON_ESCAPES)
