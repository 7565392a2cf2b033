"""Rows of a text file, parsed; a row that cannot be parsed keeps its content and says why."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Any

from edgener.corpora.inputs import CSV, JSONL, LINES, TSV
from edgener.corpora.raw_rows import RawRow, parse_csv_record
from edgener.corpora.settings import ENTITIES, ERROR, QUOTED, ROW, Settings
from edgener.lone_surrogates import STAND_INS

DELIMITERS = {CSV: ",", TSV: "\t"}
"""Characters between the fields of a record, by format."""
ADDED = (ENTITIES, ERROR)
"""Columns that every output has in addition to those of the input."""
RENAMED = "_of_input"
"""End of the name under which a column of the input is kept whose own name is that of an added column."""
MOST_LEVELS = 200
"""Lists and objects of JSON around a value; with more, the interpreter might not be able to write them."""
NOT_UNICODE = "bytes or surrogates that are not Unicode text are replaced by U+FFFD"

TOO_DEEP = "is nested too deeply"


@dataclass(slots=True)
class Row:
    """A row of the input."""

    columns: dict[str, Any]
    """Values by the name of the output's column; the text is among them."""
    text: str | None
    """The text to annotate; None if there is none."""
    error: str | None = None
    """Reason why the row is not as it should be; None if it is."""


def parse_rows(raw: Iterable[RawRow], file_format: str, header: Sequence[str], settings: Settings) -> list[Row]:
    """Return the rows of a part; ``header`` holds the names of the columns of CSV."""
    parse = _PARSERS[file_format]
    return [_checked(_parsed(row, parse, header, settings), settings) for row in raw]


def text_column(settings: Settings) -> str:
    """Return the name of the output's column that holds the text."""
    return output_name(settings.text_field, settings)


def output_name(name: str, settings: Settings) -> str:
    """Return the name of the output's column that keeps the input's column ``name``."""
    return kept_name(name, ADDED if settings.id_field else (*ADDED, ROW))


def kept_name(name: str, added: Sequence[str]) -> str:
    """Return the name of the column that keeps the input's column ``name`` beside those that are ``added``."""
    own = name
    while own.endswith(RENAMED):
        own = own.removesuffix(RENAMED)
    return f"{name}{RENAMED}" if own in added else name


def is_quoted(file_format: str, settings: Settings) -> bool:
    """Return True if quotes may stand around the fields of a file: of CSV, unless the settings say otherwise."""
    return settings.quotes == QUOTED if settings.quotes else file_format == CSV


def fields_of(record: str, file_format: str, settings: Settings) -> list[str]:
    """Return the fields of a record of CSV or TSV; raises csv.Error where it is none."""
    delimiter = DELIMITERS[file_format]
    return parse_csv_record(record, delimiter) if is_quoted(file_format, settings) else record.split(delimiter)


def replace_surrogates(text: str) -> tuple[str, str | None]:
    """Return the text with U+FFFD for each lone surrogate, and an error if there is any."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.translate(STAND_INS), NOT_UNICODE
    return text, None


def add_error(row: Row, error: str | None) -> None:
    """Append an error to those of the row."""
    if error and error not in (row.error or ""):
        row.error = f"{row.error}; {error}" if row.error else error


@dataclass(frozen=True, slots=True)
class ExactNumber:
    """A number of JSON with more digits than a float holds."""

    source: str
    """The number as it stands in JSON."""


class _BadRowError(Exception):
    """A row that cannot be parsed; the message says why."""


def _parsed(raw: RawRow, parse: _Parser, header: Sequence[str], settings: Settings) -> Row:
    if raw.error:
        return Row({text_column(settings): None}, None, raw.error)
    content, error = replace_surrogates(raw.content.decode("utf-8", "surrogateescape"))
    try:
        row = parse(content, header, settings)
    except _BadRowError as bad:
        row = Row({text_column(settings): content}, None, str(bad))
    add_error(row, error)
    return row


def _checked(row: Row, settings: Settings) -> Row:
    if row.text is not None:
        row.text, error = replace_surrogates(row.text)
        row.columns[text_column(settings)] = row.text
        add_error(row, error)
        if settings.id_field and row.columns.get(output_name(settings.id_field, settings)) is None:
            add_error(row, f"has no {settings.id_field!r}")
    return row


def _line(content: str, _header: Sequence[str], settings: Settings) -> Row:
    return Row({text_column(settings): content}, content)


def _json_object(content: str, _header: Sequence[str], settings: Settings) -> Row:
    try:
        value = _decode(content)
    except RecursionError as error:
        raise _BadRowError(TOO_DEEP) from error
    except ValueError as error:
        raise _BadRowError(f"is not JSON: {error}") from error
    if content.count("[") + content.count("{") > MOST_LEVELS and _is_too_deep(value):
        raise _BadRowError(TOO_DEEP)
    if not isinstance(value, dict):
        raise _BadRowError(f"is no JSON object, but {_kind(value)}")
    columns = {output_name(name, settings): item for name, item in value.items()}
    text = value.get(settings.text_field)
    if isinstance(text, str):
        return Row(columns, text)
    is_missing = settings.text_field not in value
    reason = f"has no {settings.text_field!r}" if is_missing else f"{settings.text_field!r} is {_kind(text)}, no text"
    return Row(columns, None, reason)


def _record(file_format: str) -> _Parser:
    def parse(content: str, header: Sequence[str], settings: Settings) -> Row:
        try:
            fields = fields_of(content, file_format, settings)
        except csv.Error as error:
            raise _BadRowError(f"is no record of CSV: {error}") from error
        if len(fields) != len(header):
            raise _BadRowError(f"has {len(fields)} columns, but the header has {len(header)}")
        columns = {output_name(name, settings): field for name, field in zip(header, fields, strict=True)}
        return Row(columns, columns[text_column(settings)])

    return parse


_Parser = Callable[[str, Sequence[str], Settings], Row]
_PARSERS: dict[str, _Parser] = {LINES: _line, JSONL: _json_object, **{name: _record(name) for name in DELIMITERS}}


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} stands twice")
    return found


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MOST_LEVELS):
        lists = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, (dict, list)))
        level = list(chain.from_iterable(lists))
    return any(isinstance(one, (dict, list)) for one in level)


def _number(source: str) -> float | ExactNumber:
    value = float(source)
    if not math.isfinite(value):
        raise ValueError(f"the number {source} is too large")
    return value if repr(value) == source or _is_exact(source, value) else ExactNumber(source)


def _is_exact(source: str, value: float) -> bool:
    try:
        return Decimal(source) == Decimal(repr(value))
    except InvalidOperation:  # an exponent beyond those of Decimal
        return False


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


_decode = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_float=_number, parse_constant=_no_number).decode


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "an object")


_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "a truth value",
    int: "a number",
    float: "a number",
    ExactNumber: "a number",
    list: "a list",
    str: "a string",
}
