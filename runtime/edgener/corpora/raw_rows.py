"""Rows of a text file as bytes, cut but not yet parsed: lines, and the records of CSV, which may span lines."""

from __future__ import annotations

import csv
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class RawRow(NamedTuple):
    """A row as it stands in the file, without its line end."""

    content: bytes
    """The row's bytes; empty if it is too long."""
    error: str = ""
    """The reason why the content is not here; else empty."""


def lines(blocks: Iterable[bytes], longest: int) -> Iterator[RawRow]:
    """Yield the lines of a file, without LF or CRLF and without a byte order mark.

    No more than ``longest`` bytes of a line are held: a longer one has no content, but an error.
    """
    return map(_without_carriage_return, _lines(blocks, longest))


def filled_lines(blocks: Iterable[bytes], longest: int) -> Iterator[RawRow]:
    """Yield the lines of a file that hold more than white space."""
    return (row for row in lines(blocks, longest) if row.error or row.content.strip())


def csv_records(blocks: Iterable[bytes], longest: int, delimiter: str) -> Iterator[RawRow]:
    """Yield the records of a CSV file, its header included; lines without a character are skipped.

    Where a line begins no record, because a quote is not closed within ``longest`` bytes or stands where none may, this
    line is yielded as it is, and the next line begins a record of its own.
    """
    source = _Rows(_lines(blocks, longest))
    for first in source:
        record = [first]
        if b'"' in first.content:
            record = _record(first, source, longest, delimiter)
        row = first if len(record) == 1 else RawRow(b"\n".join(line.content for line in record))
        row = _without_carriage_return(row)
        if row.content or row.error:
            yield row


def unquoted_records(blocks: Iterable[bytes], longest: int) -> Iterator[RawRow]:
    """Yield the records of a file in which quotes are text: each line that holds a character, the header included."""
    return (row for row in lines(blocks, longest) if row.content or row.error)


def parse_csv_record(text: str, delimiter: str) -> list[str]:
    """Return the fields of one record; raises csv.Error where it is none."""
    csv.field_size_limit(sys.maxsize)
    return next(csv.reader([text], delimiter=delimiter, strict=True))


class _Rows:
    """Rows that can be put back."""

    def __init__(self, rows: Iterator[RawRow]) -> None:
        self._rows = rows
        self._put_back: deque[RawRow] = deque()

    def __iter__(self) -> Iterator[RawRow]:
        return self

    def __next__(self) -> RawRow:
        return self._put_back.popleft() if self._put_back else next(self._rows)

    def put_back(self, rows: Iterable[RawRow]) -> None:
        """Let these rows come next."""
        self._put_back.extendleft(reversed(list(rows)))


def _record(first: RawRow, source: _Rows, longest: int, delimiter: str) -> list[RawRow]:
    """Return the lines of the record that ``first`` begins, or ``first`` alone if it begins none."""
    csv.field_size_limit(sys.maxsize)
    taken: list[RawRow] = []

    def text_lines() -> Iterator[str]:
        size = 0
        for row in chain([first], source):
            taken.append(row)
            size += len(row.content) + 1
            if row.error or size > longest:
                return
            yield row.content.decode("latin-1") + "\n"  # one character a byte: quotes and delimiters are ASCII

    try:
        next(csv.reader(text_lines(), delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration):
        source.put_back(taken[1:])
        return [first]
    return taken


def _lines(blocks: Iterable[bytes], longest: int) -> Iterator[RawRow]:
    """Yield the lines of a file without LF and without a byte order mark."""
    line = _Line(longest)
    mark = BYTE_ORDER_MARK
    for block in blocks:
        *ends, rest = block.split(b"\n")
        for end in ends:
            line.add(end)
            yield line.take(mark)
            mark = b""
        line.add(rest)
    if line.length:
        yield line.take(mark)


class _Line:
    """A line that arrives in pieces."""

    def __init__(self, longest: int) -> None:
        self.length = 0
        self._longest = longest
        self._content = bytearray()

    def add(self, piece: bytes) -> None:
        self.length += len(piece)
        if self.length <= self._longest:
            self._content += piece
        else:
            self._content.clear()

    def take(self, mark: bytes) -> RawRow:
        """Return the line without ``mark`` at its start, and begin the next one."""
        content, length = bytes(self._content).removeprefix(mark), self.length
        self._content.clear()
        self.length = 0
        if length > self._longest:
            return RawRow(b"", f"the row has {length} bytes, more than {self._longest}; see --longest-row")
        return RawRow(content)


def _without_carriage_return(row: RawRow) -> RawRow:
    return row._replace(content=row.content.removesuffix(b"\r"))
