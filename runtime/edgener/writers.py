"""Entities as lines of output: JSON for programs, CoNLL for tools, colour for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from edgener.recognizer import Segment

COLOURS = {"PER": 34, "LOC": 32, "ORG": 33}
"""ANSI foreground colours; other types are magenta."""
OTHER_COLOUR = 35
_ENCODER = json.JSONEncoder(ensure_ascii=False)
LONE_SURROGATES = {code: f"\\u{code:04x}" for code in range(0xD800, 0xE000)}


class Place(NamedTuple):
    """Where a document comes from."""

    file: str | None
    line: int


class Writer(Protocol):
    """Takes the segments of a document one after the other."""

    def __call__(self, place: Place, segment: Segment, /) -> str:
        """The output that this segment adds; a document's last segment ends its last line."""


class JsonLines:
    """One JSON object a document: ``{"line": 1, "entities": [...]}``, with ``file`` before where there is one."""

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
    """Output that holds the text itself, with an entity that reaches into the next segment written only once."""

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
        """The segment's text in order, as runs with their entity type; the type is empty outside of entities."""
        for entity in segment.entities:
            yield segment.text[self._written - segment.start : entity.start - segment.start], ""
            yield entity.text, entity.label
        yield segment.text[self._written - segment.start :], ""

    def _run(self, text: str, label: str) -> str:
        raise NotImplementedError


class Conll(_InText):
    """One character and its BIO tag a line, an empty line after each document."""

    def _run(self, text: str, label: str) -> str:
        tags = (("B-" if index == 0 else "I-") + label if label else "O" for index in range(len(text)))
        return "".join(f"{character} {tag}\n" for character, tag in zip(text, tags, strict=True))


class Marked(_InText):
    """The text with its entities marked: in colour, or in brackets where there is none."""

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
"""By the name of the format; each call makes a writer, told whether the output shows colour."""


def _json(value: object) -> str:
    return _ENCODER.encode(value).translate(LONE_SURROGATES)
