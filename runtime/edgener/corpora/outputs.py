"""Output formats: a registry of writers, each of which writes the files of one part."""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from edgener.corpora.rows import ExactNumber, Row, text_column
from edgener.corpora.settings import ENTITIES, ERROR, Settings
from edgener.lone_surrogates import JSON_ESCAPES

if TYPE_CHECKING:
    from edgener.corpora.parquet import Table
    from edgener.corpora.parts import Part
    from edgener.entity import Entity

Write = Callable[
    [Sequence[Path], "Part", Sequence[Row], "Sequence[Sequence[Entity] | None]", "Table | None", Settings], None
]


@dataclass(frozen=True)
class Writer:
    """An output format."""

    suffixes: tuple[str, ...]
    """Ends of the names of the files that hold a part."""
    write: Write
    """Writes these files, given as paths, and sees that they are on the disk."""


def to_json(value: Any) -> str:
    """Return a value of any column as JSON of one line, which UTF-8 can encode.

    Dates are written as ISO 8601, bytes as Base64, other values that JSON does not know as text; numbers that are not
    finite are null.
    """
    try:
        text = _ENCODER.encode(value)
    except (ValueError, _NoJsonError):
        text = _encoded(value)
    return text.translate(JSON_ESCAPES)


def entity_rows(entities: Sequence[Entity]) -> list[dict[str, Any]]:
    """Return entities as they stand in JSON, with scores of four digits, as ``edgener`` prints them."""
    return [{**entity.to_dict(), "score": round(entity.score, 4)} for entity in entities]


@contextmanager
def saved(path: Path) -> Iterator[IO[str]]:
    """Open a new file for text in UTF-8, which is on the disk at the end."""
    path.unlink(missing_ok=True)
    with path.open("x", encoding="utf-8", newline="\n") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _write_jsonl(
    drafts: Sequence[Path],
    _part: Part,
    rows: Sequence[Row],
    answers: Sequence[Sequence[Entity] | None],
    _table: Table | None,
    _settings: Settings,
) -> None:
    (draft,) = drafts
    with saved(draft) as file:
        for row, entities in zip(rows, answers, strict=True):
            found = None if entities is None else entity_rows(entities)
            file.write(to_json({**row.columns, ENTITIES: found, ERROR: row.error}) + "\n")


def _write_conll(
    drafts: Sequence[Path],
    _part: Part,
    rows: Sequence[Row],
    answers: Sequence[Sequence[Entity] | None],
    _table: Table | None,
    settings: Settings,
) -> None:
    from edgener.output_formats import Conll
    from edgener.recognizer import Segment
    from edgener.writers import Place

    tagged, others = drafts
    writer = Conll()
    with saved(tagged) as file:
        for row, entities in zip(rows, answers, strict=True):
            file.write(writer(Place(None, 1), Segment(0, row.text or "", list(entities or ()), is_last=True)))
    text = text_column(settings)
    with saved(others) as file:
        for row in rows:
            columns = {name: value for name, value in row.columns.items() if name != text or row.text is None}
            file.write(to_json({**columns, ERROR: row.error}) + "\n")


def _write_parquet(
    drafts: Sequence[Path],
    part: Part,
    rows: Sequence[Row],
    answers: Sequence[Sequence[Entity] | None],
    table: Table | None,
    settings: Settings,
) -> None:
    from edgener.corpora.parquet import table_of_rows, write_parquet

    (draft,) = drafts
    write_parquet(draft, table or table_of_rows(rows, part, settings), rows, answers)


WRITERS = {
    "jsonl": Writer((".jsonl",), _write_jsonl),
    "parquet": Writer((".parquet",), _write_parquet),
    "conll": Writer((".conll", ".rows.jsonl"), _write_conll),
}
"""Output formats by name."""


class _NoJsonError(Exception):
    """A value that the encoder of the standard library cannot write as it is."""


MICROSECOND = timedelta(microseconds=1)


def _other_value(value: object) -> Any:
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, ExactNumber):
        raise _NoJsonError
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, timedelta):
        return f"{value // MICROSECOND} us"
    return str(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_other_value)


def _encoded(value: Any) -> str:
    """Return a value as JSON, numbers with all of their digits, and those that are not finite as null."""
    if isinstance(value, ExactNumber):
        return value.source
    if isinstance(value, float) and not math.isfinite(value):
        return "null"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_ENCODER.encode(str(name))}: {_encoded(item)}" for name, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_encoded, value)) + "]"
    return _ENCODER.encode(value)
