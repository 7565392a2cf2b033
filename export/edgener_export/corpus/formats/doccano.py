"""doccano's rows for sequence labelling, whose offsets count UTF-16 code units (doccano's issue 2290).

doccano writes them as JSON lines; an array of such rows is read, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from edgener_export.corpus.json_rows import (
    first_row,
    is_json_lines,
    is_label_of_doccano,
    is_of_doccano,
    json_rows,
    write_json_lines,
)
from edgener_export.corpus.labelled_file import LEFT_OUT, Format, Labelled, LabelledFile, Trouble
from edgener_export.corpus.offsets import UTF_16_UNITS, Annotation, annotation, annotation_in_list, offsets_in
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.standoff import labelled, text_of
from edgener_export.corpus.writing import TWO_HALVES, writable

NAME = "doccano"
OTHERS = {"relations": "relations", "cats": "categories of the text"}
"""Keys of annotations that are not read, and what they hold."""
SHAPE = '{"text": ..., "label": [[start, end, label]]}, or "entities" with "start_offset" and "end_offset"'


def recognizes(file: LabelledFile) -> bool:
    """Tell whether the first row has a text and a list of labels, or entities besides relations or categories.

    In an array, which is Label Studio's, too, the labels have to be written as doccano writes them.
    """
    row = file.once(first_row)
    if not (isinstance(row, dict) and "text" in row):
        return False
    labels = row.get("label", row.get("labels"))
    if isinstance(labels, list):
        return is_json_lines(file) or any(map(is_label_of_doccano, labels))
    return is_of_doccano(row)


def read(file: LabelledFile) -> Iterator[Labelled]:
    """Yield the sentences; relations and categories are left out, and told."""
    for line, (text, entities, others) in json_rows(file, _parse, SHAPE):
        left_out = [Trouble(line, f"{count} {kind} are left out", LEFT_OUT) for kind, count in others.items() if count]
        yield labelled(file, line, text, entities, (UTF_16_UNITS,), left_out)


def write(sentences: Iterable[Sentence], path: Path) -> None:
    """Write one object a line, as doccano imports it."""
    checked = writable(sentences, NAME, texts=(TWO_HALVES,), types=(TWO_HALVES,))
    write_json_lines(({"text": sentence.text, "label": _labels(sentence)} for sentence in checked), path)


def _parse(row: Any) -> tuple[str, list[Annotation], dict[str, int]]:
    labels = row["label"] if "label" in row else row.get("labels")
    found = [_annotation(part) for part in (row["entities"] if labels is None else labels)]
    return text_of(row), found, {kind: len(row.get(key) or ()) for key, kind in OTHERS.items()}


def _annotation(part: Any) -> Annotation:
    if isinstance(part, dict):
        return annotation(part["start_offset"], part["end_offset"], part["label"])
    return annotation_in_list(part)


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
