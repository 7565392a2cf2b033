"""CLUENER2020: one JSON object a line, whose entities are grouped by type and name, both ends belonging to the name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from edgener_export.corpus.json_rows import first_row, json_rows, write_json_lines
from edgener_export.corpus.labelled_file import Format, Labelled, LabelledFile
from edgener_export.corpus.offsets import Annotation, annotation
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.standoff import labelled, text_of
from edgener_export.corpus.writing import TWO_HALVES, writable

NAME = "cluener"
SHAPE = '{"text": ..., "label": {TYPE: {NAME: [[first, last]]}}}'


def recognizes(file: LabelledFile) -> bool:
    """Tell whether the first row has a text, and a label that is an object."""
    row = file.once(first_row)
    return isinstance(row, dict) and "text" in row and isinstance(row.get("label"), dict)


def read(file: LabelledFile) -> Iterator[Labelled]:
    """Yield the sentences; each name is compared with the text at its place."""
    for line, (text, entities) in json_rows(file, _parse, SHAPE):
        yield labelled(file, line, text, entities)


def write(sentences: Iterable[Sentence], path: Path) -> None:
    """Write one object a line."""
    checked = writable(sentences, NAME, texts=(TWO_HALVES,), types=(TWO_HALVES,))
    write_json_lines(({"text": sentence.text, "label": _names(sentence)} for sentence in checked), path)


def _parse(row: Any) -> tuple[str, list[Annotation]]:
    entities = [
        annotation(first, last + 1, label, name)
        for label, names in row["label"].items()
        for name, places in names.items()
        for first, last in places
    ]
    return text_of(row), entities


def _names(sentence: Sentence) -> dict[str, dict[str, list[list[int]]]]:
    names: dict[str, dict[str, list[list[int]]]] = {}
    for start, end, label in sentence.spans:
        names.setdefault(label, {}).setdefault(sentence.text[start:end], []).append([start, end - 1])
    return names


FORMATS = (
    Format(
        name=NAME,
        summary='CLUENER2020: {"text", "label": {type: {name: [[first, last]]}}}, one object a line',
        recognizes=recognizes,
        read=read,
        write=write,
        holds_empty_texts=True,
    ),
)
