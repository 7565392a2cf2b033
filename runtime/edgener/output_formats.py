"""Formats of output: JSON lines for programs, CoNLL for tools, marked text and a page for people.

A format has a writer, which turns the entities of documents into text, and what stands before and after all documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from edgener import html_page
from edgener.annotation_formats import Brat, Doccano, HuggingFace, LabelStudio, Spacy
from edgener.entity import Entity
from edgener.errors import UsageError
from edgener.lone_surrogates import STAND_INS
from edgener.recognizer import Segment
from edgener.writers import BIO, InText, Place, Writer, encoded, tags

COLOURS = {"PER": 34, "LOC": 32, "ORG": 33}
"""ANSI foreground colours; other types are magenta."""
OTHER_COLOUR = 35
CONLL_STAND_INS = STAND_INS | dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"), ord(" "))
"""Replacements, one code point for one, of code points that would end a row or a column or are not UTF-8."""


class JsonLines:
    """A writer of one JSON object per document: ``{"line": 1, "entities": [...]}``, after ``file`` if there is one."""

    def __init__(self) -> None:
        self._separator = ""

    def __call__(self, place: Place, segment: Segment) -> str:
        output = []
        if segment.start == 0:
            file = {} if place.file is None else {"file": place.file}
            output.append(encoded({**file, "line": place.line})[:-1] + ', "entities": [')
            self._separator = ""
        if segment.entities:
            entities = [{**entity.to_dict(), "score": round(entity.score, 4)} for entity in segment.entities]
            output.append(self._separator + encoded(entities)[1:-1])
            self._separator = ", "
        if segment.is_last:
            output.append("]}\n")
        return "".join(output)


class Conll(InText):
    """A writer of one row per code point, which holds the code point and its BIO tag, and an empty line per document.

    A line break, a tab or another separator is written as a blank, and a byte that is not UTF-8 as U+FFFD, so that
    every row has two columns and rows can be counted as offsets.
    """

    def _run(self, text: str, entity: Entity | None) -> str:
        rows = zip(text.translate(CONLL_STAND_INS), tags(len(text), entity, BIO), strict=True)
        return "".join(f"{character} {tag}\n" for character, tag in rows)


class Marked(InText):
    """A writer of the text with its entities marked, in colour or in brackets."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def _run(self, text: str, entity: Entity | None) -> str:
        if not entity:
            return text
        if not self._colour:
            return f"[{text}/{entity.label}]"
        return f"\x1b[1;{COLOURS.get(entity.label, OTHER_COLOUR)}m{text}\x1b[0m\x1b[2m/{entity.label}\x1b[0m"


class Html(InText):
    """A writer of one paragraph per document, as a part of a page; the first line of a file follows its name."""

    def __init__(self, labels: Sequence[str]) -> None:
        """Take the types of the model, whose order gives each type its colour and underline."""
        super().__init__()
        self._labels = {label: number for number, label in enumerate(labels)}

    def _opening(self, place: Place) -> str:
        return html_page.opening(place.file, place.line)

    def _run(self, text: str, entity: Entity | None) -> str:
        return html_page.marked(entity, self._labels[entity.label]) if entity else html_page.escape(text)

    def _closing(self) -> str:
        return html_page.CLOSING


class Look(NamedTuple):
    """The properties of one output that its format may show."""

    title: str = "edgener"
    """Title of a page."""
    labels: Sequence[str] = ()
    """Types of the model's entities."""
    colour: bool = False
    """The output is a terminal that shows colour."""


class Format(NamedTuple):
    """A format of output."""

    writer: Callable[[Look], Writer]
    """Factory of a writer; several may write documents of the same output."""
    head: Callable[[Look], str] = lambda _look: ""
    """Function that returns what stands before all documents."""
    tail: str = ""
    """Text after all documents."""
    separator: str = ""
    """Text with which every document begins, and which is left out before the first one."""
    separates_by_blanks: bool = False
    """An entity type with a blank in its name would make columns that nothing reads."""
    reads_whole_files: bool = False
    """A file or standard input is one document, and only one can be given."""


FORMATS = {
    "jsonl": Format(lambda _look: JsonLines()),
    "conll": Format(lambda _look: Conll(), separates_by_blanks=True),
    "text": Format(lambda look: Marked(colour=look.colour)),
    "html": Format(lambda look: Html(look.labels), lambda look: html_page.head(look.title), html_page.TAIL),
    "doccano": Format(lambda _look: Doccano()),
    "label-studio": Format(lambda _look: LabelStudio(), lambda _look: "[\n", "]\n", LabelStudio.separator),
    "brat": Format(lambda _look: Brat(), separates_by_blanks=True, reads_whole_files=True),
    "spacy": Format(lambda _look: Spacy(), lambda _look: "[\n", "]\n", Spacy.separator),
    "hf": Format(lambda _look: HuggingFace()),
}
"""All formats by name."""


def unfit_label(name: str, labels: Iterable[str]) -> str | None:
    """Return the first of these types with which a format makes columns that nothing reads; None where all fit."""
    if not FORMATS[name].separates_by_blanks:
        return None
    return next((label for label in labels if len(label.split()) != 1), None)


def require_format(name: str, labels: Iterable[str]) -> None:
    """Raise UsageError where entities of these types cannot be written in a format so that programs can read them."""
    label = unfit_label(name, labels)
    if label is not None:
        raise UsageError(
            f"--format {name} cannot hold the entity type {label!r}, which has a blank in its name; take another "
            "format, leave the type out with --types, or train with --rename to a name without blanks"
        )
