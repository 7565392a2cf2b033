"""Rows of JSON files: one object a line, or the elements of one array, each with the line where it begins."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from edgener.lone_surrogates import JSON_ESCAPES
from edgener_export.corpus.labelled_file import LabelledFile
from edgener_export.corpus.malformed import MALFORMED, reason
from edgener_export.corpus.schemes import is_tag
from edgener_export.corpus.writing import write_pieces
from edgener_export.errors import CorpusError

BLANK = re.compile(r"[ \t\r\n]*")
ANY = json.JSONDecoder()
Parsed = TypeVar("Parsed")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object. Raises ValueError for a key that stands there with two values, as JSON drops the first one."""
    found = dict(pairs)
    if len(found) < len(pairs):
        for key, value in pairs:
            if value != found[key]:
                raise ValueError(f"the key {key!r:.40} stands twice in one object")
    return found


STRICT = json.JSONDecoder(object_pairs_hook=_distinct)


def json_rows(file: LabelledFile, parse: Callable[[Any], Parsed], shape: str) -> Iterator[tuple[int, Parsed]]:
    """Yield the line and the parsed value of each row; lines of objects are read one by one, an array at once.

    Raises CorpusError, which names file and line and the expected ``shape``, where ``parse`` raises one of
    ``MALFORMED``.
    """
    lines = file.numbered_lines()
    first = next(lines, None)
    if first is None:
        return
    if _opens_array(first[1]):
        for line, row in json_array(file):
            yield line, _parsed(file, line, partial(parse, row), shape)
        return
    for line, text in chain([first], lines):
        yield line, _parsed(file, line, partial(_parse_text, parse, text), shape)


def json_array(file: LabelledFile, decoder: json.JSONDecoder = STRICT) -> Iterator[tuple[int, Any]]:
    """Yield the elements of the array that a file is, with the line where each begins.

    Raises CorpusError, which names file and line, where it is no array.
    """
    text = "\n".join(file.lines())
    place = _blank_after(text, 0)
    line = 1 + text.count("\n", 0, place)
    if text[place : place + 1] != "[":
        raise file.error(line, "expected a JSON array, which begins with [")
    before = place
    place = _blank_after(text, place + 1)
    is_first = True
    while text[place : place + 1] != "]":
        if not is_first:
            if text[place : place + 1] != ",":
                raise file.error(line + text.count("\n", before, place), "expected a comma or ] after an element")
            place = _blank_after(text, place + 1)
        line, before = line + text.count("\n", before, place), place
        try:
            element, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            raise file.error(line, f"expected a JSON value in an array: {error}") from error
        yield line, element
        place, is_first = _blank_after(text, place), False
    rest = _blank_after(text, place + 1)
    if rest < len(text):
        raise file.error(line + text.count("\n", before, rest), "expected nothing after the array")


def is_json(file: LabelledFile) -> bool:
    """Tell whether a file is JSON by its name, or by what it begins with."""
    if file.path.is_dir():
        return False
    return file.suffix in (".json", ".jsonl") or file.once(first_row) is not None


def is_json_lines(file: LabelledFile) -> bool:
    """Tell whether the rows of a JSON file are lines, and not the elements of an array."""
    return not _opens_array(next(file.numbered_lines(), (0, ""))[1])


def is_empty_array(file: LabelledFile) -> bool:
    """Tell whether a JSON file is an array without elements."""
    try:
        return not is_json_lines(file) and next(json_array(file), None) is None
    except CorpusError:
        return False


def first_row(file: LabelledFile) -> Any:
    """Return the first row of a JSON file; None if it has none, or is no JSON."""
    if file.path.is_dir():
        return None
    first = next(file.numbered_lines(), (0, ""))[1].lstrip()
    if _ends_in_tags(first):
        return None
    try:
        if first.startswith("["):
            return next((element for _, element in json_array(file, ANY)), None)
        return json.loads(first) if first.startswith("{") else None
    except (ValueError, RecursionError, CorpusError):
        return None


def _ends_in_tags(line: str) -> bool:
    """Tell whether tags stand behind the last tab, where JSON would have a mark: tagged text may begin as JSON does."""
    _, tab, last = line.rstrip("\t ").rpartition("\t")
    return bool(tab) and all(map(is_tag, last.split()))


def write_json_lines(rows: Iterable[Any], path: Path) -> None:
    """Write one JSON value a line, as UTF-8."""
    write_pieces((encode_json(row) + "\n" for row in rows), path)


def encode_json(value: Any) -> str:
    """Return a value as JSON on one line, with Chinese characters as they are."""
    return json.dumps(value, ensure_ascii=False).translate(JSON_ESCAPES)


def _parse_text(parse: Callable[[Any], Parsed], text: str) -> Parsed:
    return parse(STRICT.decode(text))


def _opens_array(line: str) -> bool:
    return line.lstrip().startswith("[")


def _blank_after(text: str, place: int) -> int:
    match = BLANK.match(text, place)
    return match.end() if match else place


def _parsed(file: LabelledFile, line: int, parse: Callable[[], Parsed], shape: str) -> Parsed:
    try:
        return parse()
    except MALFORMED as error:
        raise file.error(line, f"expected {shape}: {reason(error)}") from error


def is_of_doccano(row: dict[str, Any]) -> bool:
    """Tell whether a row has entities as doccano's projects write them that have relations or categories besides."""
    entities = row.get("entities")
    if not isinstance(entities, list):
        return False
    first = entities[0] if entities else []
    if isinstance(first, dict):
        return "relations" in row or "start_offset" in first
    return "relations" in row or isinstance(row.get("cats"), list)


def is_label_of_doccano(part: object) -> bool:
    """Tell whether an entry of a list of labels is a list, or has offsets under doccano's names."""
    return isinstance(part, list) or (isinstance(part, dict) and "start_offset" in part)
