"""Parquet and zstd, read and written with pyarrow, which the extra ``corpora`` installs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgener.corpora.arrow import (
    as_binary,
    entities_column,
    kept_columns,
    require_texts,
    text_rows,
)
from edgener.corpora.inputs import CSV, JSONL, TSV, InputFile
from edgener.corpora.outputs import to_json
from edgener.corpora.parts import Part, check_names, grouped
from edgener.corpora.rows import Row, add_error, output_name, replace_surrogates, text_column
from edgener.corpora.settings import ENTITIES, ERROR, NEEDS_PYARROW, REST, ROW, Settings
from edgener.errors import InputError, MissingExtraError

try:
    import pyarrow as pa
    from pyarrow import parquet
except ImportError as missing:
    raise MissingExtraError(NEEDS_PYARROW) from missing

if TYPE_CHECKING:
    from edgener.entity import Entity

_NO_PYTHON_TYPE = (ValueError, OverflowError, pa.ArrowException)
"""Errors of pyarrow for a value that no type of Python holds."""
MOST_ROWS = 4096
"""Rows that are read at once."""


@dataclass(frozen=True)
class Table:
    """The columns of a part, without those that are added at the end."""

    columns: dict[str, Any]
    """Arrow arrays of equal length by the name of the output's column."""


def zstd_stream(file: Any) -> Any:
    """Return the decompressed content of an open file, with the methods ``read`` and ``close``."""
    return pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd")


def check_columns(file: InputFile, settings: Settings) -> None:
    """Raise InputError where the file is no Parquet, lacks the text or the id, or its text is no string."""
    with _opened(file) as source:
        schema = source.schema_arrow
        check_names(file, schema.names, settings)
        require_texts(schema.field(settings.text_field).type, str(file.path), settings.text_field)


def parquet_parts(file: InputFile, settings: Settings) -> Iterator[Part]:
    """Yield the parts of a Parquet file in order. Raises InputError where it cannot be read."""
    with file.path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = stream.tell()
    with _opened(file) as source:
        metadata = source.metadata
        stored = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
        row_bytes = max(1, stored // max(1, metadata.num_rows))
        batch_size = max(1, min(MOST_ROWS, settings.part_bytes // row_bytes))
        number, first = 0, 1
        for batch in _batches(file, source, batch_size):
            lengths = _lengths(batch, settings)
            start = 0
            for group in grouped(lengths, int, settings.part_bytes):
                rows = len(group)
                part_digest = hashlib.sha256(f"{digest} {first} {rows}".encode()).hexdigest()
                content = _stream_of(batch.slice(start, rows))
                begin, end = (size * row // metadata.num_rows for row in (first - 1, first - 1 + rows))
                yield Part(file, number, first, rows, part_digest, (), content, begin, end)
                number, first, start = number + 1, first + rows, start + rows


def read_table(content: bytes, first_row: int, settings: Settings) -> tuple[Table, list[Row]]:
    """Return the columns and the rows of a part of a Parquet file.

    The rows hold the values of the columns only where the output is not Parquet. A text longer than
    ``settings.longest_row`` bytes is kept, but not annotated.
    """
    with pa.ipc.open_stream(content) as reader:
        batch = reader.read_next_batch()
    names = [output_name(name, settings) for name in batch.schema.names]
    columns = dict(zip(names, kept_columns(batch, settings.text_field), strict=True))
    texts = batch.column(settings.text_field)
    rows = text_rows(texts, settings.text_field, settings.longest_row, "--longest-row")
    if settings.id_field is None:
        columns = {ROW: pa.array(range(first_row, first_row + len(rows)), pa.int64()), **columns}
    else:
        for row, value in zip(rows, columns[output_name(settings.id_field, settings)], strict=True):
            if not value.is_valid:
                add_error(row, f"has no {settings.id_field!r}")
    if settings.output_format != "parquet":
        name = text_column(settings)
        values = {column: _python_values(array) for column, array in columns.items()}
        for number, row in enumerate(rows):
            row.columns = {column: every[number] for column, every in values.items()}
            if row.text is not None:
                row.columns[name] = row.text
    return Table(columns), rows


def _python_values(column: Any) -> list[Any]:
    try:
        values: list[Any] = column.to_pylist()
    except _NO_PYTHON_TYPE:
        values = [_python_value(value) for value in column]
    return values


def _python_value(value: Any) -> Any:
    """Return a value as Python has it; where it has no type for it, as text in which nothing is rounded.

    pandas writes times to the nanosecond, and Python's end at the microsecond; other files hold years after 9999.
    """
    try:
        return value.as_py()
    except _NO_PYTHON_TYPE:
        pass
    if isinstance(value, pa.StructScalar):
        pairs = [(value.type.field(place).name, _python_value(value[place])) for place in range(len(value.type))]
        return dict(pairs) if len(dict(pairs)) == len(pairs) else pairs
    if isinstance(value, (pa.ListScalar, pa.LargeListScalar, pa.FixedSizeListScalar)):
        return [_python_value(each) for each in value.values]
    try:
        return value.cast(pa.string()).as_py()
    except _NO_PYTHON_TYPE:
        return value.cast(pa.int64()).as_py()


def table_of_rows(rows: Sequence[Row], part: Part, settings: Settings) -> Table:
    """Return the columns of rows of a text file, which are the same for all parts of the file.

    Columns of CSV are strings. JSON objects give the text and the id as strings, and the rest of the object as JSON.
    """
    name = text_column(settings)
    columns: dict[str, Any] = {}
    if settings.id_field is None:
        columns[ROW] = pa.array([row.columns[ROW] for row in rows], pa.int64())
    if part.file.format in (CSV, TSV):
        names = [output_name(column, settings) for column in part.header]
    else:
        names = [name] if settings.id_field is None else [output_name(settings.id_field, settings), name]
    for column in names:
        columns[column] = pa.array([_as_text(row.columns.get(column)) for row in rows], pa.string())
    if part.file.format == JSONL:
        rests = [{key: value for key, value in row.columns.items() if key not in columns} for row in rows]
        columns[_free(REST, columns)] = pa.array([to_json(rest) if rest else None for rest in rests], pa.string())
    return Table(columns)


def write_parquet(path: Path, table: Table, rows: Sequence[Row], answers: Sequence[Sequence[Entity] | None]) -> None:
    """Write the columns with those of the entities and the errors to a new file, which is on the disk at the end."""
    columns = {
        **table.columns,
        ENTITIES: entities_column(answers),
        ERROR: pa.array([row.error for row in rows], pa.string()),
    }
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        parquet.write_table(pa.table(columns), file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())


def _opened(file: InputFile) -> Any:
    try:
        return parquet.ParquetFile(file.path, pre_buffer=False, buffer_size=1 << 20)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{file.path}: cannot be read as Parquet: {error}") from error


def _batches(file: InputFile, source: Any, batch_size: int) -> Iterator[Any]:
    try:
        yield from source.iter_batches(batch_size=batch_size, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{file.path}: cannot be read to its end: {error}; copy the file again") from error


def _lengths(batch: Any, settings: Settings) -> list[int]:
    """Return the bytes that each row of a batch counts: those of its text, and its share of the rest."""
    share = batch.nbytes // batch.num_rows
    return [share + len(text or b"") for text in as_binary(batch.column(settings.text_field))]


def _stream_of(batch: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _as_text(value: object) -> str | None:
    if value is None:
        return None
    return replace_surrogates(value)[0] if isinstance(value, str) else to_json(value)


def _free(name: str, taken: dict[str, Any]) -> str:
    while name in taken:
        name += "_"
    return name
