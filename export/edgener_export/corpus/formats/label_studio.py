"""Label Studio's JSON exports, whose offsets count UTF-16 code units (Label Studio's issue 1347).

Both the full export and JSON-MIN are read. The first annotation of a task counts that its annotator did not cancel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from edgener_export.corpus.json_rows import encode_json, first_row, is_json_lines, json_rows
from edgener_export.corpus.labelled_file import LEFT_OUT, Format, Labelled, LabelledFile, Trouble
from edgener_export.corpus.offsets import BYTES, CHARACTERS, UTF_16_UNITS, Annotation, annotation, offsets_in
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.standoff import labelled
from edgener_export.corpus.writing import HALF_PAIR, writable, write_pieces

NAME = "label-studio"
SHAPE = '{"data": {"text": ...}, "annotations": [{"result": [{"type": "labels", "value": {...}}]}]}'
FROM_NAME, TO_NAME = "label", "text"
"""Names that Label Studio's own template for named entities gives to the labels and to the text."""


class Task(NamedTuple):
    """One text of a Label Studio project."""

    text: str
    entities: list[Annotation]
    left_out: list[str]
    """The parts that are not read, in words."""
    is_annotated: bool


def recognizes(file: LabelledFile) -> bool:
    """Tell whether the first row is a task with data and annotations, or one of JSON-MIN."""
    row = file.once(first_row)
    if not isinstance(row, dict):
        return False
    if isinstance(row.get("data"), dict):
        return "annotations" in row or "completions" in row or "predictions" in row
    return "text" in row and isinstance(row.get("label"), list) and not is_json_lines(file)


def read(file: LabelledFile) -> Iterator[Labelled]:
    """Yield the annotated tasks; a task without an annotation is left out, and told."""
    for line, task in json_rows(file, _parse, SHAPE):
        left_out = [Trouble(line, reason, LEFT_OUT) for reason in task.left_out]
        if task.is_annotated:
            yield labelled(file, line, task.text, task.entities, (UTF_16_UNITS, CHARACTERS, BYTES), left_out)
        else:
            yield Labelled(line, None, tuple(left_out))


def write(sentences: Iterable[Sentence], path: Path) -> None:
    """Write an array of tasks, one a line, as Label Studio imports it."""
    write_pieces(_pieces(writable(sentences, NAME, texts=(HALF_PAIR,), types=(HALF_PAIR,))), path)


def _parse(row: Any) -> Task:
    if "data" not in row:
        return Task(_string(row["text"]), _entities(row.get("label", [])), [], "label" in row)
    data = row["data"]
    text = data["text"] if "text" in data else _only_string(data)
    annotations = row.get("annotations", row.get("completions", []))
    finished = [found for found in annotations if not found.get("was_cancelled")]
    if not finished:
        return Task(_string(text), [], ["the task has no annotation and is left out"], False)
    left_out = [f"{len(finished) - 1} further annotations of the task are left out"] if len(finished) > 1 else []
    results = finished[0]["result"]
    labels = [found for found in results if "labels" in found.get("value", {})]
    others = [found for found in results if "labels" not in found.get("value", {})]
    if others:
        kinds = ", ".join(sorted({str(found.get("type")) for found in others}))
        left_out.append(f"{len(others)} results that are no labels are left out ({kinds})")
    return Task(_string(text), _entities(found["value"] for found in labels), left_out, True)


def _entities(values: Iterable[Any]) -> list[Annotation]:
    return [
        annotation(value["start"], value["end"], label, value.get("text"))
        for value in values
        for label in value["labels"]
    ]


def _only_string(data: dict[str, Any]) -> str:
    strings = [value for value in data.values() if isinstance(value, str)]
    if len(strings) != 1:
        raise ValueError(f'"data" has no "text", and {len(strings)} other strings instead of one')
    return strings[0]


def _string(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"the text is {text!r:.40}")
    return text


def _pieces(sentences: Iterable[Sentence]) -> Iterator[str]:
    separator = "[\n"
    for number, sentence in enumerate(sentences, start=1):
        yield separator + encode_json(_task(number, sentence))
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def _task(number: int, sentence: Sentence) -> dict[str, Any]:
    places = offsets_in(sentence.text, UTF_16_UNITS)
    results = [
        {
            "id": f"{number}-{place}",
            "from_name": FROM_NAME,
            "to_name": TO_NAME,
            "type": "labels",
            "value": {
                "start": places[span.start],
                "end": places[span.end],
                "text": sentence.text[span.start : span.end],
                "labels": [span.label],
            },
        }
        for place, span in enumerate(sentence.spans, start=1)
    ]
    return {"id": number, "data": {"text": sentence.text}, "annotations": [{"result": results}]}


FORMATS = (
    Format(
        name=NAME,
        summary="Label Studio: the JSON export, or JSON-MIN",
        recognizes=recognizes,
        read=read,
        write=write,
        holds_empty_texts=True,
    ),
)
