"""Annotation of Arrow record batches, which engines such as Ray, Spark, Daft and DuckDB pass between processes.

It imports pyarrow, which the extra ``corpora`` installs, as ``parquet`` alone does besides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from edgener.corpora.annotate import recognize
from edgener.corpora.rows import ADDED, NOT_UNICODE, Row, add_error, kept_name, replace_surrogates
from edgener.corpora.settings import ENTITIES, ERROR, MIB, NEEDS_PYARROW
from edgener.errors import InputError, MissingExtraError

try:
    import pyarrow as pa
    from pyarrow import compute
except ImportError as missing:
    raise MissingExtraError(NEEDS_PYARROW) from missing

if TYPE_CHECKING:
    from edgener.entity import Entity
    from edgener.recognizer import Recognizer

LONGEST_TEXT = 16 * MIB
"""Bytes; a longer text is not annotated, so that memory is bounded."""
ENTITY = pa.struct(
    [
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("label", pa.string()),
        ("text", pa.string()),
        ("score", pa.float32()),
    ]
)
"""Type of an entity; offsets are code points of the text."""


def annotate_batch(
    batch: pa.RecordBatch,
    recognizer: Recognizer,
    *,
    text: str = "text",
    join_lines: bool = False,
    longest_text: int = LONGEST_TEXT,
) -> pa.RecordBatch:
    """Return a record batch of the same rows with the columns ``entities`` and ``error``; see ``annotated_schema``.

    ``text`` names the column of the texts. A row whose text is null, or longer than ``longest_text`` bytes, has no
    entities but an error; bytes that are not UTF-8, in strings of any column, become U+FFFD, and an error says so.
    ``join_lines`` is that of a call of the recognizer. Raises InputError where a column is missing, stands twice or
    holds no texts.
    """
    schema = annotated_schema(batch.schema, text)
    rows = text_rows(batch.column(text), text, longest_text, "longest_text")
    tell_replaced(batch, rows)
    answers = recognize(rows, recognizer, join_lines=join_lines)
    errors = pa.array([row.error for row in rows], pa.string())
    return pa.RecordBatch.from_arrays([*kept_columns(batch, text), entities_column(answers), errors], schema=schema)


def annotate_table(table: pa.Table, recognizer: Recognizer, **options: Any) -> pa.Table:
    """Return a table of the same rows with the columns that ``annotate_batch`` adds; ``options`` are its arguments."""
    schema = annotated_schema(table.schema, options.get("text", "text"))
    batches = (annotate_batch(batch, recognizer, **options) for batch in table.to_batches())
    return pa.Table.from_batches(batches, schema)


def annotated_schema(schema: pa.Schema, text: str = "text") -> pa.Schema:
    """Return the schema of annotated batches: the columns of the input, then ``entities`` and ``error``.

    A column that has the name of an added one is kept as ``entities_of_input`` or ``error_of_input``, and a dictionary
    of texts becomes plain texts. Raises InputError where a column is missing, stands twice or holds no texts.
    """
    twice = next((name for name in schema.names if schema.names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"the data has two columns {twice!r}; rename one")
    if text not in schema.names:
        raise InputError(f"the data has no column {text!r}, but {', '.join(schema.names)}; name another one as text")
    require_texts(schema.field(text).type, "the data", text)
    fields = [
        pa.field(kept_name(field.name, ADDED), _value_type(field.type) if field.name == text else field.type)
        for field in schema
    ]
    return pa.schema([*fields, pa.field(ENTITIES, pa.list_(ENTITY)), pa.field(ERROR, pa.string())])


def require_texts(kind: Any, place: str, column: str) -> None:
    """Raise InputError, which names the place, unless a column of this type holds strings, or bytes of UTF-8."""
    values = _value_type(kind)
    if not (_is_text(values) or _is_binary(values) or pa.types.is_null(values)):
        raise InputError(f"{place}: the column {column!r} holds {kind}, no strings")


def text_rows(column: Any, name: str, longest: int, limit: str) -> list[Row]:
    """Return a row for each text of a column, without other columns; ``limit`` names the option that is ``longest``."""
    return [_text_row(value, name, longest, limit) for value in as_binary(column)]


def as_binary(column: Any) -> Iterator[bytes | None]:
    """Yield the bytes of each text of a column."""
    yield from plain(column).cast(pa.large_binary()).to_pylist()


def binary_lengths(column: Any) -> list[int | None]:
    """Return the number of bytes of each text of a column."""
    lengths: list[int | None] = compute.binary_length(plain(column).cast(pa.large_binary())).to_pylist()
    return lengths


def entities_column(answers: Sequence[Sequence[Entity] | None]) -> Any:
    """Return a column of lists of ENTITY; null where there is no answer."""
    offsets: list[int | None] = []
    found: list[dict[str, Any]] = []
    for answer in answers:
        offsets.append(None if answer is None else len(found))
        found.extend(entity.to_dict() for entity in answer or ())
    offsets.append(len(found))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(found, ENTITY))


def kept_columns(batch: pa.RecordBatch, text: str) -> list[Any]:
    """Return the columns of a batch, the strings in UTF-8, and the column ``text`` of the texts without dictionary."""
    return [
        _valid_column(plain(column) if name == text else column)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]


def tell_replaced(batch: pa.RecordBatch, rows: Sequence[Row]) -> None:
    """Append an error to each row with a string that is not UTF-8, which ``kept_columns`` replaces."""
    for column in map(plain, batch.columns):
        if not _is_valid(column):
            for place, row in enumerate(rows):
                add_error(row, None if _is_valid(column.take(pa.array([place]))) else NOT_UNICODE)


def plain(column: Any) -> Any:
    """Return a column without dictionary."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def with_dictionary(column: Any, kind: Any) -> Any:
    """Return a column with a dictionary of its own values alone, if its type ``kind`` is that of a dictionary."""
    if not pa.types.is_dictionary(kind):
        return column
    encoded = plain(column).dictionary_encode()
    return pa.DictionaryArray.from_arrays(
        encoded.indices.cast(kind.index_type), encoded.dictionary, ordered=kind.ordered
    )


def _is_valid(column: Any) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _valid_column(column: Any) -> Any:
    """Return a column whose strings, also those within lists, structs and maps, are UTF-8.

    Bytes that are not are replaced by U+FFFD.
    """
    if _is_valid(column):
        return column
    return _replaced(column.take(pa.array(range(len(column)))))  # a slice has buffers that begin elsewhere


def _replaced(column: Any) -> Any:
    kind, nulls = column.type, column.is_null()
    if _is_text(kind):
        values = (
            None if value is None else replace_surrogates(value.decode("utf-8", "surrogateescape"))[0]
            for value in as_binary(column)
        )
        return pa.array(list(values), kind)
    if pa.types.is_dictionary(kind):
        return with_dictionary(_replaced(plain(column)), kind)
    if pa.types.is_struct(kind):
        return pa.StructArray.from_arrays(
            [_replaced(field) for field in column.flatten()], fields=list(kind), mask=nulls
        )
    if pa.types.is_map(kind):
        keys, items = _replaced(column.keys), _replaced(column.items)
        return pa.MapArray.from_arrays(column.offsets, keys, items, kind, mask=nulls)
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(_replaced(column.values), type=kind, mask=nulls)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return type(column).from_arrays(column.offsets, _replaced(column.values), type=kind, mask=nulls)
    return column


def _value_type(kind: Any) -> Any:
    """Return a type, or that of the values of a dictionary."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def is_dictionary_of_texts(kind: Any) -> bool:
    """Return True for the type of a dictionary of strings."""
    return bool(pa.types.is_dictionary(kind)) and _is_text(kind.value_type)


def _is_text(kind: Any) -> bool:
    """Return True for the types of strings."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_binary(kind: Any) -> bool:
    """Return True for the types of bytes of any length."""
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def _text_row(value: bytes | None, name: str, longest: int, limit: str) -> Row:
    if value is None:
        return Row({}, None, f"{name!r} is null, no text")
    if len(value) > longest:
        return Row({}, None, f"the text has {len(value)} bytes, more than {longest}; see {limit}")
    text, error = replace_surrogates(value.decode("utf-8", "surrogateescape"))
    return Row({}, text, error)
