"""Parquet and zstd, read and written with pyarrow, which the extra ``corpora`` installs."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from edgener.corpora.arrow import (
    binary_lengths,
    entities_column,
    is_dictionary_of_texts,
    kept_columns,
    plain,
    require_texts,
    tell_replaced,
    text_rows,
    with_dictionary,
)
from edgener.corpora.inputs import COMPRESSIONS, CSV, JSONL, TSV, InputFile
from edgener.corpora.outputs import to_json
from edgener.corpora.parts import Part, check_names, grouped
from edgener.corpora.rows import Row, add_error, output_name, replace_surrogates, text_column
from edgener.corpora.settings import ENTITIES, ERROR, NEEDS_PYARROW, REST, ROW, Settings
from edgener.corpora.streams import ByteStream, DamagedError, UntilDamage, open_input
from edgener.errors import MissingExtraError, OutputError

try:
    import pyarrow as pa
    from pyarrow import parquet
except ImportError as missing:
    raise MissingExtraError(NEEDS_PYARROW) from missing

if TYPE_CHECKING:
    from edgener.entity import Entity

_NO_PYTHON_TYPE = (ValueError, OverflowError, pa.ArrowException)
"""Errors of pyarrow for a value that no type of Python holds."""
_ZONE = re.compile(r"([+-]\d\d)(\d\d)$")
"""Distance from UTC without the colon that ISO 8601 has beside colons in the time."""
_READING = {"pre_buffer": False, "buffer_size": 1 << 20}
"""Options of pyarrow with which memory does not grow with a file."""
ROWS_AT_ONCE = 64
"""Rows that are read at once: few, since a value that is stored once may stand in all of them."""


@dataclass(frozen=True)
class Table:
    """The columns of a part, without those that are added at the end."""

    columns: dict[str, Any]
    """Arrow arrays of equal length by the name of the output's column."""


class _Readers(NamedTuple):
    """Two readers of one Parquet file."""

    typed: Any
    """Reader that gives columns the types of Arrow that the file was written with."""
    untyped: Any
    """Reader that gives columns the types of Parquet, and strings without a dictionary."""


class _PlacedRow(NamedTuple):
    """A row of a batch."""

    batch: Any
    """Arrow record batch that holds the row."""
    place: int
    """Number of the row in the batch, from 0."""
    size: int
    """Bytes of the row in memory."""


def zstd_stream(file: Any) -> Any:
    """Return the decompressed content of an open file, with the methods ``read`` and ``close``."""
    return pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd")


def check_columns(file: InputFile, settings: Settings) -> None:
    """Raise InputError where the file lacks the text or the id, or its text is no string.

    Raises DamagedError where it cannot be read as Parquet.
    """
    with _opened(file) as readers:
        schema = readers.typed.schema_arrow
        check_names(file, schema.names, settings)
        require_texts(schema.field(settings.text_field).type, str(file.path), settings.text_field)


def parquet_parts(file: InputFile, settings: Settings) -> Iterator[Part]:
    """Yield the parts of a Parquet file in order. Raises DamagedError where it cannot be read, after what can be."""
    digest, size = _digest_and_size(file)
    with _opened(file) as readers:
        rows = UntilDamage(_rows(file, readers, settings))
        all_rows, number, first = readers.typed.metadata.num_rows, 0, 1
        for group in grouped(rows, lambda row: row.size, settings.part_bytes):
            part_digest = hashlib.sha256(f"{digest} {first} {len(group)}".encode()).hexdigest()
            begin, end = (size * row // all_rows for row in (first - 1, first - 1 + len(group)))
            content = _stream_of(group)
            yield Part(file, number, first, len(group), part_digest, (), content, begin, end, rows.is_damaged)
            number, first = number + 1, first + len(group)
        rows.tell()


def read_table(content: bytes, first_row: int, settings: Settings) -> tuple[Table, list[Row]]:
    """Return the columns and the rows of a part of a Parquet file.

    The rows hold the values of the columns only where the output is not Parquet. A text longer than
    ``settings.longest_row`` bytes is kept, but not annotated.
    """
    with pa.ipc.open_stream(content) as reader:
        (batch,) = reader.read_all().combine_chunks().to_batches()
    names = [output_name(name, settings) for name in batch.schema.names]
    columns = dict(zip(names, kept_columns(batch, settings.text_field), strict=True))
    texts = batch.column(settings.text_field)
    rows = text_rows(texts, settings.text_field, settings.longest_row, "--longest-row")
    tell_replaced(batch, rows)
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
    if pa.types.is_duration(column.type):
        return [_time_as_text(value) if value.is_valid else None for value in column]
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
    if isinstance(value, (pa.DictionaryScalar, pa.ExtensionScalar)):
        return _python_value(value.value)
    if isinstance(value, pa.MapScalar):
        return [[_python_value(entry[0]), _python_value(entry[1])] for entry in value.values]
    if isinstance(value, pa.StructScalar):
        pairs = [(value.type.field(place).name, _python_value(value[place])) for place in range(len(value.type))]
        return dict(pairs) if len(dict(pairs)) == len(pairs) else pairs
    if isinstance(value, (pa.ListScalar, pa.LargeListScalar, pa.FixedSizeListScalar)):
        return [_python_value(each) for each in value.values]
    return _time_as_text(value)


def _time_as_text(value: Any) -> str:
    """Return a time in ISO 8601; where its calendar does not reach, or its zone is not known, the number and its unit.

    The number counts from the start of 1970, or, of a time of day, from midnight; dates count days, as ``d``.
    """
    unit = "d" if pa.types.is_date32(value.type) else "ms" if pa.types.is_date64(value.type) else value.type.unit
    try:
        text: str = value.cast(pa.string()).as_py()
    except _NO_PYTHON_TYPE:
        text = ""
    if pa.types.is_duration(value.type) or not text or text.startswith("<"):
        return f"{value.value} {unit}"
    return _ZONE.sub(r"\1:\2", text.replace(" ", "T"))


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
        columns[column] = pa.array([_as_text(row, column) for row in rows], pa.string())
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


@contextmanager
def _opened(file: InputFile) -> Iterator[_Readers]:
    with ExitStack() as stack:
        content = stack.enter_context(_content(file))
        try:
            typed = stack.enter_context(parquet.ParquetFile(content, **_READING))
            metadata = _without_types(typed.metadata)
            untyped = stack.enter_context(parquet.ParquetFile(content, metadata=metadata, **_READING))
        except (OSError, pa.ArrowException) as error:
            raise DamagedError(f"{file.path}: cannot be read as Parquet: {error}; copy the file again") from error
        yield _Readers(typed, untyped)


def _without_types(metadata: Any) -> Any:
    """Return the metadata of a file without the types of Arrow that it was written with."""
    content = io.BytesIO()
    metadata.write_metadata_file(content)
    return parquet.read_metadata(io.BytesIO(content.getvalue().replace(b"ARROW:schema", b"ARROW-schema")))


def _digest_and_size(file: InputFile) -> tuple[str, int]:
    """Return the SHA-256 of a file and its number of bytes."""
    with open_input(file.path) as content:
        try:
            return hashlib.file_digest(content, "sha256").hexdigest(), content.tell()
        except OSError as error:
            raise _cut_off(file, error) from error


def _content(file: InputFile) -> IO[bytes]:
    """Open a file, or, if it is compressed as a whole, a temporary file with its content."""
    if file.path.suffix.lower() not in COMPRESSIONS:
        return io.BufferedReader(open_input(file.path))
    try:
        with ByteStream(file.path) as stream, ExitStack() as stack:
            content = stack.enter_context(tempfile.TemporaryFile())
            content.writelines(stream.blocks())
            content.seek(0)
            stack.pop_all()
            return content
    except OSError as error:
        raise OutputError(
            f"{file.path}: cannot be unpacked into a temporary file: {error.strerror}; free some space for it, or "
            "name another folder in TMPDIR"
        ) from error


def _cut_off(file: InputFile, error: Exception) -> DamagedError:
    return DamagedError(f"{file.path}: cannot be read to its end: {error}; copy the file again")


def _rows(file: InputFile, readers: _Readers, settings: Settings) -> Iterator[_PlacedRow]:
    """Yield the rows of a file; raises DamagedError where it cannot be read."""
    try:
        for batch in _batches(readers):
            for place, size in enumerate(_sizes(batch, settings)):
                yield _PlacedRow(batch, place, size)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _cut_off(file, error) from error


def _batches(readers: _Readers) -> Iterator[Any]:
    """Yield the rows of a file, a few at once.

    Dictionaries of strings are read without their type, since pyarrow reads none where a string is not UTF-8.
    """
    schema = readers.typed.schema_arrow
    texts = [field.name for field in schema if is_dictionary_of_texts(field.type)]
    others = [name for name in schema.names if name not in texts]
    for group in range(readers.typed.num_row_groups):  # one after the other, since dictionaries may differ
        typed, untyped = (_group(reader, group, names) for reader, names in zip(readers, (others, texts), strict=True))
        yield from typed if not texts else _joined(schema, [typed, untyped] if others else [untyped])


def _group(reader: Any, group: int, columns: Sequence[str]) -> Iterator[Any]:
    batches: Iterator[Any] = reader.iter_batches(ROWS_AT_ONCE, row_groups=[group], columns=columns, use_threads=False)
    return batches


def _joined(schema: Any, parts: Sequence[Iterator[Any]]) -> Iterator[Any]:
    """Yield batches of all columns of a schema, each of which one of the parts has."""
    for batches in zip(*parts, strict=True):
        columns = {name: batch.column(name) for batch in batches for name in batch.schema.names}
        arrays = [with_dictionary(columns[field.name], field.type) for field in schema]
        yield pa.record_batch(arrays, names=schema.names)


def _sizes(batch: Any, settings: Settings) -> list[int]:
    """Return the bytes that each row of a batch counts: those of its text, and its share of the rest."""
    text = batch.column(settings.text_field)
    others = batch.nbytes - text.nbytes
    others += sum(plain(column).nbytes for column in batch.columns if pa.types.is_dictionary(column.type))
    share = others // batch.num_rows
    return [share + (length or 0) for length in binary_lengths(text)]


def _stream_of(rows: Sequence[_PlacedRow]) -> bytes:
    """Return an Arrow stream of rows, in which those of one batch stand one after the other."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows[0].batch.schema) as writer:
        for _, group in groupby(rows, lambda row: id(row.batch)):
            some = list(group)
            writer.write_batch(some[0].batch.slice(some[0].place, len(some)))
    return bytes(sink.getvalue())


def _as_text(row: Row, column: str) -> str | None:
    """Return a value of a row as text; a lone surrogate in it is replaced and told as the row's error."""
    value = row.columns.get(column)
    if value is None:
        return None
    if not isinstance(value, str):
        return to_json(value)
    text, error = replace_surrogates(value)
    add_error(row, error)
    return text


def _free(name: str, taken: dict[str, Any]) -> str:
    while name in taken:
        name += "_"
    return name
