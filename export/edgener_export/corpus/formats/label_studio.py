"""Label Studio's JSON exports, whose offsets count UTF-16 code units (Label Studio's issue 1347).

Both the full export and JSON-MIN are read. Of the annotations of a task that were not cancelled its ground truth
counts, or else the first. Regions are in one of the strings of a task. An export does not say in which; the texts of
the regions, the offsets and the names do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from edgener_export.corpus.json_rows import encode_json, first_row, is_json_lines, is_label_of_doccano, json_rows
from edgener_export.corpus.labelled_file import LEFT_OUT, Format, Labelled, LabelledFile, Trouble
from edgener_export.corpus.malformed import ShapeError
from edgener_export.corpus.offsets import (
    AUTO_UNIT,
    BYTES,
    CHARACTERS,
    UTF_16_UNITS,
    Annotation,
    annotation,
    offsets_in,
    to_code_points,
)
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.standoff import labelled
from edgener_export.corpus.writing import HALF_PAIR, writable, write_pieces

NAME = "label-studio"
SHAPE = '{"data": {"text": ...}, "annotations": [{"result": [{"type": "labels", "value": {...}}]}]}'
FROM_NAME, TO_NAME = "label", "text"
"""Names that Label Studio's own template for named entities gives to the labels and to the text."""
UNREAD = ("hypertextlabels", "paragraphlabels")
"""Labels of parts of HTML and of dialogues, whose offsets are others; labels of images are not of the text."""
UNITS = (UTF_16_UNITS, CHARACTERS, BYTES)
SUBMITTED = ("annotator", "annotation_id")
"""Keys of JSON-MIN that an annotation leaves, whether it has regions or not."""
NOT_DATA = (*SUBMITTED, "created_at", "updated_at", "agreement", "history")
"""Keys of JSON-MIN whose strings are no data of the task."""


class Task(NamedTuple):
    """One row of a Label Studio project."""

    strings: dict[str, str]
    """The strings of its data by their keys."""
    regions: dict[str, list[Annotation]]
    """The regions by the name of the object that shows their text; in JSON-MIN by that of their control."""
    left_out: list[str]
    """The parts that are not read, in words."""
    is_annotated: bool


class Text(NamedTuple):
    """A string of a task, and the regions in it."""

    text: str
    regions: list[Annotation]


def recognizes(file: LabelledFile) -> bool:
    """Tell whether the first row is a task with data and annotations, or one of JSON-MIN."""
    row = file.once(first_row)
    if not isinstance(row, dict):
        return False
    if isinstance(row.get("data"), dict):
        return "annotations" in row or "completions" in row or "predictions" in row
    if is_json_lines(file):
        return False
    own = row.get(FROM_NAME)
    has_own = isinstance(own, list) and not any(map(is_label_of_doccano, own))
    has_labels = has_own or any(map(_is_labelled, chain(*_controls(row).values())))
    return "annotation_id" in row or ("text" in row and has_labels)


def read(file: LabelledFile) -> Iterator[Labelled]:
    """Yield the labelled texts of the annotated tasks; a task without an annotation is left out, and told."""
    fields = _fields(file)

    def parse(row: Any) -> tuple[list[Text], list[str]]:
        task = _parse(row)
        return _texts(task, fields) if task.is_annotated else [], task.left_out

    for line, (texts, reasons) in json_rows(file, parse, SHAPE):
        left_out = [Trouble(line, reason, LEFT_OUT) for reason in reasons]
        if not texts:
            yield Labelled(line, None, tuple(left_out))
        for found in texts:
            yield labelled(file, line, found.text, found.regions, UNITS, left_out)
            left_out = []


def write(sentences: Iterable[Sentence], path: Path) -> None:
    """Write an array of tasks, one a line, as Label Studio imports it."""
    write_pieces(_pieces(writable(sentences, NAME, texts=(HALF_PAIR,), types=(HALF_PAIR,))), path)


def _parse(row: Any) -> Task:
    if "data" not in row:
        return _parse_min(row)
    strings = _strings(row["data"])
    annotations = row.get("annotations", row.get("completions", []))
    finished = [found for found in annotations if not found.get("was_cancelled")]
    finished.sort(key=lambda found: not found.get("ground_truth"))
    if not finished:
        return Task(strings, {}, ["the task has no annotation and is left out"], False)
    left_out = [f"{len(finished) - 1} further annotations of the task are left out"] if len(finished) > 1 else []
    unread = _unread_kinds(result.get("value", {}) for result in finished[0]["result"])
    if unread:
        return Task(strings, {}, [*left_out, _unread_remark(unread)], False)
    values: dict[str, list[Any]] = {}
    others = []
    for result in finished[0]["result"]:
        if "labels" in result.get("value", {}):
            values.setdefault(str(result.get("to_name", TO_NAME)), []).append(result["value"])
        else:
            others.append(str(result.get("type")))
    if others:
        left_out.append(f"{len(others)} results that are no labels are left out ({', '.join(sorted(set(others)))})")
    return Task(strings, _regions(values, left_out), left_out, True)


def _parse_min(row: Any) -> Task:
    """Return a row of JSON-MIN, in which an annotation without regions leaves nothing but its number."""
    controls = _controls(row)
    foreign = [part for part in chain(*controls.values()) if is_label_of_doccano(part)]
    if foreign:
        raise ShapeError(f"a region is {foreign[0]!r:.40}; if doccano wrote it, name its format: --from doccano")
    unread = _unread_kinds(chain(*controls.values()))
    if unread:
        return Task(_strings(row, NOT_DATA), {}, [_unread_remark(unread)], False)
    is_annotated = bool(controls) or any(row.get(key) is not None for key in SUBMITTED)
    left_out = [] if is_annotated else ["the task has no annotation and is left out"]
    values = {name: [part for part in parts if _is_labelled(part)] for name, parts in controls.items()}
    others = sum(map(len, controls.values())) - sum(map(len, values.values()))
    if others:
        left_out.append(f"{others} results that are no labels are left out")
    return Task(_strings(row, NOT_DATA), _regions(values, left_out), left_out, is_annotated)


def _controls(row: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the lists of regions of a row of JSON-MIN, by the names of their controls."""
    return {
        name: parts
        for name, parts in row.items()
        if isinstance(parts, list) and (name == FROM_NAME or any(map(_is_region, parts)))
    }


def _is_region(part: object) -> bool:
    return isinstance(part, dict) and "start" in part and "end" in part


def _is_labelled(part: object) -> bool:
    return isinstance(part, dict) and "labels" in part


def _unread_kinds(values: Iterable[Any]) -> list[str]:
    """Return the kinds of labels in these regions that are not read, such as those of HTML, whose offsets differ."""
    keys = {key for value in values if isinstance(value, dict) for key in value}
    return sorted(keys.intersection(UNREAD))


def _unread_remark(kinds: Iterable[str]) -> str:
    return f"the task has {', '.join(kinds)}, which are not read, and is left out; label its text with Labels"


def _regions(values: dict[str, list[Any]], left_out: list[str]) -> dict[str, list[Annotation]]:
    """Return the labelled regions by name, and add to ``left_out`` how many have no label."""
    unlabelled = sum(not value["labels"] for parts in values.values() for value in parts)
    if unlabelled:
        left_out.append(f"{unlabelled} regions without a label are left out")
    return {
        name: [
            annotation(value["start"], value["end"], label, value.get("text"))
            for value in parts
            for label in value["labels"]
        ]
        for name, parts in values.items()
    }


def _strings(data: dict[str, Any], without: Sequence[str] = ()) -> dict[str, str]:
    return {key: value for key, value in data.items() if isinstance(value, str) and key not in without}


def _fields(file: LabelledFile) -> dict[str, str]:
    """Return the key of the string that the regions of each object are in, for tasks that have several strings.

    It is the one in which all regions stand. Of several it is that of the object's own name, or ``text`` in a project
    of one object; an object whose string nothing tells is left out.
    """
    fitting: dict[str, list[str]] = {}
    units = UNITS if file.offsets == AUTO_UNIT else (file.offsets,)
    for _, task in json_rows(file, _parse, SHAPE):
        for name, regions in task.regions.items() if len(task.strings) > 1 else ():
            keys = [key for key in fitting.get(name, task.strings) if key in task.strings]
            fitting[name] = [key for key in keys if _stand_in(task.strings[key], regions, units)] or keys
    chosen = {}
    for name, keys in fitting.items():
        usual = [name, TO_NAME] if len(fitting) == 1 else [name]
        field = keys[0] if len(keys) == 1 else next((key for key in usual if key in keys), None)
        if field is not None:
            chosen[name] = field
    return chosen


def _stand_in(text: str, regions: Sequence[Annotation], units: Sequence[str]) -> bool:
    try:
        to_code_points(text, regions, units)
    except ValueError:
        return False
    return True


def _texts(task: Task, fields: dict[str, str]) -> list[Text]:
    """Return the strings that are labelled in the project, with their regions. Raises ValueError if nothing tells."""
    if not task.strings:
        raise ValueError("the task has no text")
    if len(task.strings) == 1:
        (only,) = task.strings.values()
        return [Text(only, [region for regions in task.regions.values() for region in regions])]
    unknown = [name for name in task.regions if fields.get(name) not in task.strings]
    keys = [key for key in dict.fromkeys(fields.values()) if key in task.strings]
    keys = keys or [key for key in (TO_NAME,) if key in task.strings and not unknown]
    if unknown or not keys:
        raise ValueError(
            f"the task has the strings {', '.join(task.strings)}, and nothing tells which of them is labelled; rename "
            f"that one {unknown[0] if unknown else TO_NAME} in the file"
        )
    return [
        Text(task.strings[key], [it for name, regions in task.regions.items() if fields[name] == key for it in regions])
        for key in keys
    ]


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
