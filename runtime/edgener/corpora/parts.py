"""Parts of a file: runs of rows that are annotated, written and committed together."""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from edgener.corpora.inputs import JSONL, LINES, PARQUET, TSV, InputFile
from edgener.corpora.raw_rows import RawRow, csv_records, filled_lines, lines, unquoted_records
from edgener.corpora.rows import DELIMITERS, fields_of, is_quoted
from edgener.corpora.settings import Settings
from edgener.corpora.streams import BLOCK, ByteStream, DamagedError, UntilDamage
from edgener.corpora.transcode import as_utf_8
from edgener.encodings import Inspection
from edgener.errors import InputError
from edgener.line_reader import UTF_8

Item = TypeVar("Item")
ROW_COST = 64
"""Bytes that a row counts in addition to its content, so that a part of short rows is bounded as well."""
QUOTED_FIELD = re.compile(rb'(?:^|\t)"[^\t\n]*"(?:\t|\r?$)', re.M)


@dataclass(frozen=True)
class Part:
    """A run of rows of one file."""

    file: InputFile
    """File that the rows come from."""
    number: int
    """Number of the part in its file, from 0."""
    first_row: int
    """Number of the first row in the file, from 1."""
    rows: int
    """Number of rows, at least 1."""
    digest: str
    """SHA-256 of the rows, in lower-case hexadecimal digits."""
    header: tuple[str, ...]
    """Names of the columns of CSV; else empty."""
    content: tuple[RawRow, ...] | bytes
    """Rows that are not yet parsed, or an Arrow stream of one record batch."""
    start: int
    """Bytes of the file, as it lies on the disk, that were read before the part."""
    end: int
    """Bytes of the file that were read when the part was complete."""
    is_cut: bool = False
    """The file could not be read further, so that the part may hold fewer rows than it would otherwise."""

    @property
    def key(self) -> tuple[str, int]:
        """Name of the file and number of the part."""
        return self.file.name, self.number


def parts_of(file: InputFile, settings: Settings) -> Iterator[Part]:
    """Yield the parts of a file in order; an empty file has none.

    Raises InputError where it cannot be read; where it is damaged, after the parts that come before that.
    """
    if file.format == PARQUET:
        from edgener.corpora.parquet import parquet_parts

        yield from parquet_parts(file, settings)
        return
    with ByteStream(file.path) as stream:
        source = _rows(file, _text(file, stream, settings), settings)
        header = _header(file, next(source, None), settings) if file.format in DELIMITERS else ()
        rows = UntilDamage(source)
        first, start = 1, 0
        for number, content in enumerate(grouped(rows, lambda row: len(row.content), settings.part_bytes)):
            digest = _digest(header, content)
            end = stream.position
            yield Part(file, number, first, len(content), digest, header, tuple(content), start, end, rows.is_damaged)
            first, start = first + len(content), end
        rows.tell()


def check_file(file: InputFile, settings: Settings) -> str:
    """Return a warning for the user about the start of a file, or nothing.

    Raises InputError where the file cannot be opened, is not in the encoding of ``settings``, or has no columns for the
    text or the id. A damaged file is passed over: what comes before the damage is done first.
    """
    try:
        return _warning(file, settings)
    except DamagedError:
        return ""


def _warning(file: InputFile, settings: Settings) -> str:
    if file.format == PARQUET:
        from edgener.corpora.parquet import check_columns

        check_columns(file, settings)
        return ""
    with ByteStream(file.path) as stream:
        blocks = UntilDamage(_text(file, stream, settings))
        start = _start(blocks)
        inspection = Inspection(str(file.path), UTF_8, settings.encoding)
        inspection.add(codecs.getincrementaldecoder(UTF_8)("surrogateescape").decode(start))
        inspection.end()
        if file.format in DELIMITERS:
            row = next(_rows(file, chain([start], blocks), settings), None)
            blocks.tell()
            _header(file, row, settings)
    if file.format == LINES and start.startswith(b'{"'):
        return f"{file.path}: looks like JSON lines, but is read as text; see --input-format"
    if file.format == TSV and not settings.quotes and QUOTED_FIELD.search(start):
        return f"{file.path}: holds fields in quotes, which are read as text; see --quotes"
    return ""


def check_names(file: InputFile, names: Iterable[str], settings: Settings) -> None:
    """Raise InputError where a column has the name of another one, or where the text or the id has no column."""
    names = list(names)
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{file.path}: has two columns {name!r}; rename one")
    for option, wanted in (("--text-field", settings.text_field), ("--id-field", settings.id_field)):
        if wanted is not None and wanted not in names:
            raise InputError(f"{file.path}: has no column {wanted!r}, but {', '.join(names)}; give another {option}")


def grouped(rows: Iterable[Item], size: Callable[[Item], int], limit: int) -> Iterator[list[Item]]:
    """Yield runs of rows of at most ``limit`` bytes; a row that is larger than that is a run of its own."""
    group: list[Item] = []
    total = 0
    for row in rows:
        cost = size(row) + ROW_COST
        if group and total + cost > limit:
            yield group
            group, total = [], 0
        group.append(row)
        total += cost
    if group:
        yield group


def _start(blocks: Iterable[bytes]) -> bytes:
    """Return the first blocks, together at least BLOCK bytes if there are as many."""
    start = b""
    for block in blocks:
        start += block
        if len(start) >= BLOCK:
            break
    return start


def _text(file: InputFile, stream: ByteStream, settings: Settings) -> Iterator[bytes]:
    try:
        yield from as_utf_8(stream.blocks(), settings.encoding)
    except UnicodeError as error:
        reason = str(getattr(error, "reason", error))
        order = "" if "BOM" not in reason else f" with the order of its bytes, as {settings.encoding}le"
        raise InputError(f"{file.path}: is not {settings.encoding}: {reason}; name its encoding{order}") from error


def _rows(file: InputFile, blocks: Iterable[bytes], settings: Settings) -> Iterator[RawRow]:
    if file.format not in DELIMITERS:
        return _SPLITTERS[file.format](blocks, settings.longest_row)
    if is_quoted(file.format, settings):
        return csv_records(blocks, settings.longest_row, DELIMITERS[file.format])
    return unquoted_records(blocks, settings.longest_row)


def _header(file: InputFile, row: RawRow | None, settings: Settings) -> tuple[str, ...]:
    if row is None:  # an empty file has no rows either
        return ()
    try:
        names = fields_of(row.content.decode(), file.format, settings)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file.path}: its first line is no header: {error}") from error
    check_names(file, names, settings)
    return tuple(names)


def _digest(header: Iterable[str], rows: Iterable[RawRow]) -> str:
    digest = hashlib.sha256(repr(tuple(header)).encode())
    for row in rows:
        digest.update(b"%d:" % len(row.content))
        digest.update(row.content)
        digest.update(row.error.encode())
    return digest.hexdigest()


_SPLITTERS: dict[str, Callable[[Iterable[bytes], int], Iterator[RawRow]]] = {
    LINES: lines,
    JSONL: filled_lines,
}
