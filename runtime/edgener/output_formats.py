"""Writers, which turn entities into lines of output: JSON for programs, CoNLL for tools, marked text for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from edgener.lone_surrogates import JSON_ESCAPES, STAND_INS
from edgener.recognizer import Segment

COLOURS = {"PER": 34, "LOC": 32, "ORG": 33}
"""ANSI foreground colours; other types are magenta."""
OTHER_COLOUR = 35
_ENCODER = json.JSONEncoder(ensure_ascii=False)
CONLL_STAND_INS = STAND_INS | dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"), ord(" "))
"""Replacements, one code point for one, of code points that would end a row or a column or are not UTF-8."""


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


class JsonLines:
    """A writer of one JSON object per document: ``{"line": 1, "entities": [...]}``, after ``file`` if there is one."""

    def __init__(self) -> None:
        self._separator = ""

    def __call__(self, place: Place, segment: Segment) -> str:
        output = []
        if segment.start == 0:
            file = {} if place.file is None else {"file": place.file}
            output.append(_json({**file, "line": place.line})[:-1] + ', "entities": [')
            self._separator = ""
        if segment.entities:
            entities = [{**entity.to_dict(), "score": round(entity.score, 4)} for entity in segment.entities]
            output.append(self._separator + _json(entities)[1:-1])
            self._separator = ", "
        if segment.is_last:
            output.append("]}\n")
        return "".join(output)


class _InText:
    """A writer of the text itself; an entity that reaches into the next segment is written only once."""

    def __init__(self) -> None:
        self._written = 0

    def __call__(self, _place: Place, segment: Segment) -> str:
        if segment.start == 0:
            self._written = 0
        output = []
        for text, label in self._runs(segment):
            output.append(self._run(text, label))
            self._written += len(text)
        return "".join(output) + ("\n" if segment.is_last else "")

    def _runs(self, segment: Segment) -> Iterator[tuple[str, str]]:
        """Yield the segment's text in order, as runs with their entity type; the type is empty outside of entities."""
        for entity in segment.entities:
            yield segment.text[self._written - segment.start : entity.start - segment.start], ""
            yield entity.text, entity.label
        yield segment.text[self._written - segment.start :], ""

    def _run(self, text: str, label: str) -> str:
        raise NotImplementedError


class Conll(_InText):
    """A writer of one row per code point, which holds the code point and its BIO tag, and an empty line per document.

    A line break, a tab or another separator is written as a blank, and a byte that is not UTF-8 as U+FFFD, so that
    every row has two columns and rows can be counted as offsets.
    """

    def _run(self, text: str, label: str) -> str:
        text = text.translate(CONLL_STAND_INS)
        tags = (("B-" if index == 0 else "I-") + label if label else "O" for index in range(len(text)))
        return "".join(f"{character} {tag}\n" for character, tag in zip(text, tags, strict=True))


class Marked(_InText):
    """A writer of the text with its entities marked, in colour or in brackets."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def _run(self, text: str, label: str) -> str:
        if not label:
            return text
        if not self._colour:
            return f"[{text}/{label}]"
        return f"\x1b[1;{COLOURS.get(label, OTHER_COLOUR)}m{text}\x1b[0m\x1b[2m/{label}\x1b[0m"


WRITERS: dict[str, Callable[[bool], Writer]] = {
    "jsonl": lambda _colour: JsonLines(),
    "conll": lambda _colour: Conll(),
    "text": lambda colour: Marked(colour=colour),
}
"""Factories of writers by the name of the format; the argument says whether the output shows colour."""


def _json(value: object) -> str:
    return _ENCODER.encode(value).translate(JSON_ESCAPES)
