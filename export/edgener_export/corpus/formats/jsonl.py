"""The project's own format: one JSON object a line, with a text and its entities as half-open spans of code points.

A row may also have ``ignore``, ranges of code points ``[start, end]`` that neither training nor scores count, and
``cat``, the name of a group of sentences that is scored for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from edgener_export.corpus.json_rows import first_row, is_of_doccano, json_rows, write_json_lines
from edgener_export.corpus.labelled_file import Format, Labelled, LabelledFile
from edgener_export.corpus.malformed import ShapeError
from edgener_export.corpus.offsets import Annotation, annotation, annotation_in_list
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.standoff import labelled, text_of
from edgener_export.corpus.writing import TWO_HALVES, writable

NAME = "jsonl"
SHAPE = '{"text": ..., "entities": [{"start": ..., "end": ..., "label": ...}]}'


def recognizes(file: LabelledFile) -> bool:
    """Tell whether the first row has a text and entities, and these are not doccano's."""
    row = file.once(first_row)
    if not (isinstance(row, dict) and "text" in row and "entities" in row) or "relations" in row:
        return False
    return not is_of_doccano(row)


def read(file: LabelledFile) -> Iterator[Labelled]:
    """Yield the sentences; an entity may also be ``[start, end, label]``, and may say its text, which is compared."""
    for line, row in json_rows(file, _parse, SHAPE):
        found = labelled(file, line, row.text, row.entities, is_unit_certain=not row.has_lists)
        if found.sentence and (row.ignored or row.category):
            found = replace(found, sentence=replace(found.sentence, ignored=row.ignored, category=row.category))
        yield found


def write(sentences: Iterable[Sentence], path: Path) -> None:
    """Write one object a line."""
    write_json_lines(
        (
            _row(sentence)
            for sentence in writable(sentences, NAME, texts=(TWO_HALVES,), types=(TWO_HALVES,), holds_all=True)
        ),
        path,
    )


class _Row(NamedTuple):
    text: str
    entities: list[Annotation]
    has_lists: bool
    """Some entity is a list, as many other programs write it, too."""
    ignored: tuple[tuple[int, int], ...]
    category: str


def _row(sentence: Sentence) -> dict[str, Any]:
    entities = [{"start": span.start, "end": span.end, "label": span.label} for span in sentence.spans]
    row: dict[str, Any] = {"text": sentence.text, "entities": entities}
    if sentence.ignored:
        row["ignore"] = sentence.ignored
    if sentence.category:
        row["cat"] = sentence.category
    return row


def _parse(row: Any) -> _Row:
    text, category = text_of(row), row.get("cat", "")
    if not isinstance(category, str):
        raise ShapeError(f"cat is {category!r:.40}")
    ignored = tuple(_range(entry, len(text)) for entry in row.get("ignore", ()))
    entities = row["entities"]
    has_lists = any(isinstance(entity, list) for entity in entities)
    return _Row(text, [_annotation(entity) for entity in entities], has_lists, ignored, category)


def _range(entry: Any, length: int) -> tuple[int, int]:
    start, end = entry
    if not (type(start) is int and type(end) is int and 0 <= start < end <= length):
        raise ValueError(f"ignore has {entry!r:.40}")
    return start, end


def _annotation(entity: Any) -> Annotation:
    if isinstance(entity, list):
        return annotation_in_list(entity)
    return annotation(entity["start"], entity["end"], entity["label"], entity.get("text"))


FORMATS = (
    Format(
        name=NAME,
        summary='the project\'s own: {"text", "entities": [{"start", "end", "label"}]}, one object a line',
        recognizes=recognizes,
        read=read,
        write=write,
        suffixes=(".jsonl", ".json"),
        holds_empty_texts=True,
    ),
)
