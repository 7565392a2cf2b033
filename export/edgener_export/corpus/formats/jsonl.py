"""The project's own format: one JSON object a line, with a text and its entities as half-open spans of code points."""

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

NAME = "jsonl"
SHAPE = '{"text": ..., "entities": [{"start": ..., "end": ..., "label": ...}]}'


def recognizes(file: LabelledFile) -> bool:
    """Tell whether the first row has a text and entities, and these are not doccano's."""
    row = file.once(first_row)
    if not (isinstance(row, dict) and "text" in row and "entities" in row) or "relations" in row:
        return False
    entities = row["entities"]
    return not (isinstance(entities, list) and entities and "start_offset" in entities[0])


def read(file: LabelledFile) -> Iterator[Labelled]:
    """Yield the sentences; an entity may also be ``[start, end, label]``, and may say its text, which is compared."""
    for line, (text, entities) in json_rows(file, _parse, SHAPE):
        yield labelled(file, line, text, entities)


def write(sentences: Iterable[Sentence], path: Path) -> None:
    """Write one object a line."""
    write_json_lines(
        (
            {
                "text": sentence.text,
                "entities": [{"start": span.start, "end": span.end, "label": span.label} for span in sentence.spans],
            }
            for sentence in writable(sentences, NAME, texts=(TWO_HALVES,), types=(TWO_HALVES,))
        ),
        path,
    )


def _parse(row: Any) -> tuple[str, list[Annotation]]:
    return text_of(row), [_annotation(entity) for entity in row["entities"]]


def _annotation(entity: Any) -> Annotation:
    if isinstance(entity, list):
        start, end, label = entity
        return annotation(start, end, label)
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
