"""Offsets into a text, whatever they count, as offsets in code points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from edgener.tags import Span
from edgener_export.corpus.malformed import ShapeError

AUTO_UNIT = "auto"
CHARACTERS = "characters"
UTF_16_UNITS = "utf-16"
BYTES = "bytes"
UNITS = (CHARACTERS, UTF_16_UNITS, BYTES)
"""Code points, as Python counts; UTF-16 code units, as JavaScript and Java count; bytes of UTF-8."""

NAMES = {CHARACTERS: "code points", UTF_16_UNITS: "UTF-16 code units", BYTES: "bytes of UTF-8"}
"""The names of the units in messages."""


class Annotation(NamedTuple):
    """An entity as a file gives it."""

    start: int
    end: int
    label: str
    text: str | None = None
    """The entity's text as the file states it; None if it does not."""


def annotation(start: object, end: object, label: object, text: object = None) -> Annotation:
    """Return an entity of these parts. Raises ValueError for parts that cannot be one."""
    if type(start) is not int or type(end) is not int:
        raise ShapeError(f"{start!r} to {end!r} are not whole numbers")
    if not isinstance(label, str) or not label:
        raise ValueError(f"label {label!r} is no entity type")
    if text is not None and not isinstance(text, str):
        raise ShapeError(f"the entity's text is {text!r:.40}")
    return Annotation(start, end, label, text)


def annotation_in_list(part: Any) -> Annotation:
    """Return an entity that is written as ``[start, end, type]``. Raises ValueError for what is none."""
    if not isinstance(part, (list, tuple)) or len(part) != 3:
        raise ShapeError(f"an entity is {part!r:.40}, not [start, end, type]")
    return annotation(*part)


def to_code_points(text: str, annotations: Sequence[Annotation], units: Sequence[str]) -> tuple[list[Span], str]:
    """Return the entities as half-open spans of code points, and the unit that they were counted in.

    The first of ``units`` in which each entity's own text stands at its offsets is the one; where no entity says its
    text it is ``units[0]``. Raises ValueError for an entity that leaves the text, or whose text stands elsewhere.
    """
    if all(found.text is None for found in annotations):
        units = units[:1]
    for unit in units:
        try:
            return _spans(text, annotations, unit), unit
        except ValueError:
            continue
    return _spans(text, annotations, units[0]), units[0]  # which says what is wrong in the unit that is expected


def offsets_in(text: str, unit: str) -> list[int]:
    """Return for each code point of a text, and for its end, the offset in ``unit``."""
    return list(accumulate((_width(character, unit) for character in text), initial=0))


def _spans(text: str, annotations: Sequence[Annotation], unit: str) -> list[Span]:
    places = _places(text, unit)
    return [_span(text, found, places) for found in annotations]


def _places(text: str, unit: str) -> Mapping[int, int]:
    return {offset: index for index, offset in enumerate(offsets_in(text, unit))}


def _width(character: str, unit: str) -> int:
    if unit == CHARACTERS:
        return 1
    return 1 + (character > "\uffff") if unit == UTF_16_UNITS else len(character.encode("utf-8", "surrogatepass"))


def _span(text: str, found: Annotation, places: Mapping[int, int]) -> Span:
    start, end = places.get(found.start), places.get(found.end)
    if start is None or end is None or start >= end:
        raise ValueError(f"{found.label} at {found.start} to {found.end} is empty, leaves the text or cuts a character")
    if found.text is not None and text[start:end] != found.text:
        raise ValueError(f"{found.text!r:.60} does not stand at {found.start} to {found.end}")
    return Span(start, end, found.label)
