"""doccano's JSON lines for sequence labelling, whose offsets count UTF-16 code units (doccano's issue 2290)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from edgener_export.corpus.json_rows import are_of_doccano, first_row, is_json_lines, json_rows, write_json_lines
from edgener_export.corpus.labelled_file import LEFT_OUT, Format, Labelled, LabelledFile, Trouble
from edgener_export.corpus.offsets import UTF_16_UNITS, Annotation, annotation, offsets_in
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.standoff import labelled, text_of
from edgener_export.corpus.writing import TWO_HALVES, writable

NAME = "doccano"
SHAPE = '{"text": ..., "label": [[start, end, label]]}, or "entities" with "start_offset" and "end_offset"'


def recognizes(file: LabelledFile) -> bool:
    """Tell whether the first row has a text and a list of labels, or entities as projects with relations have them."""
    row = file.once(first_row)
    if not (isinstance(row, dict) and "text" in row and is_json_lines(file)):
        return False
    if isinstance(row.get("label", row.get("labels")), list):
        return True
    entities = row.get("entities")
    return isinstance(entities, list) and ("relations" in row or are_of_doccano(entities))


def read(file: LabelledFile) -> Iterator[Labelled]:
    """Yield the sentences; relations are left out, and told."""
    for line, (text, entities, relations) in json_rows(file, _parse, SHAPE):
        left_out = [Trouble(line, f"{relations} relations are left out", LEFT_OUT)] if relations else []
        yield labelled(file, line, text, entities, (UTF_16_UNITS,), left_out)


def write(sentences: Iterable[Sentence], path: Path) -> None:
    """Write one object a line, as doccano imports it."""
    checked = writable(sentences, NAME, texts=(TWO_HALVES,), types=(TWO_HALVES,))
    write_json_lines(({"text": sentence.text, "label": _labels(sentence)} for sentence in checked), path)


def _parse(row: Any) -> tuple[str, list[Annotation], int]:
    labels = row["label"] if "label" in row else row.get("labels")
    if labels is None:
        found = [annotation(part["start_offset"], part["end_offset"], part["label"]) for part in row["entities"]]
    else:
        found = [annotation(start, end, label) for start, end, label in labels]
    return text_of(row), found, len(row.get("relations", ()))


def _labels(sentence: Sentence) -> list[list[int | str]]:
    places = offsets_in(sentence.text, UTF_16_UNITS)
    return [[places[span.start], places[span.end], span.label] for span in sentence.spans]


FORMATS = (
    Format(
        name=NAME,
        summary='doccano: {"text", "label": [[start, end, label]]}, one object a line',
        recognizes=recognizes,
        read=read,
        write=write,
        holds_empty_texts=True,
    ),
)
