"""The bytes of a file, decompressed, with the position in the file as it lies on the disk."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from edgener.errors import InputError

Item = TypeVar("Item")
BLOCK = 1 << 18
"""Bytes that are read at once."""
FEW = 512
"""Bytes that a decompressor is given at once: it loses what they hold before a damaged place."""


class DamagedError(InputError):
    """A file whose content ends before it should, or is not what its format says; what comes before that is good."""


class UntilDamage(Generic[Item]):
    """An iterator that ends where a file is damaged, so that what comes before is used; ``tell`` raises the error."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._items = items
        self._damage: DamagedError | None = None

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        try:
            return next(self._items)
        except DamagedError as error:
            self._damage = error
            raise StopIteration from error

    @property
    def is_damaged(self) -> bool:
        """True if the iterator has ended at a damaged place."""
        return self._damage is not None

    def tell(self) -> None:
        """Raise DamagedError if the iterator has ended at a damaged place."""
        if self._damage:
            raise self._damage


def open_input(path: Path) -> FileIO:
    """Open a file to read its bytes; raises InputError, which names the file, where that is not possible."""
    try:
        return path.open("rb", buffering=0)
    except OSError as error:
        raise InputError(f"{path}: cannot be opened: {error.strerror}") from error


class ByteStream:
    """The content of a file, decompressed as the end of its name says; a context manager that closes the file.

    Raises InputError, which names the file, where it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = open_input(path)
        try:
            decompress = _DECOMPRESSORS.get(path.suffix.lower())
            self._content = decompress(_SmallReads(self._file)) if decompress else self._file
        except BaseException:
            self._file.close()
            raise
        self._read = getattr(self._content, "read1", self._content.read)
        """Returns what is there, so that all before a damaged place is read."""

    def __enter__(self) -> ByteStream:
        return self

    def __exit__(self, *_error: object) -> None:
        self._content.close()
        self._file.close()

    def blocks(self) -> Iterator[bytes]:
        """Yield the content in blocks; raises DamagedError where the file is damaged or cut off."""
        try:
            while block := self._read(BLOCK):
                yield block
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            raise DamagedError(f"{self._path}: cannot be read to its end: {error}; copy the file again") from error

    @property
    def position(self) -> int:
        """Bytes of the file that were read so far, before decompression."""
        return self._file.tell()


class _SmallReads:
    """A file that gives at most FEW bytes at once, and is left open."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = FEW) -> bytes:
        """Return at most FEW bytes; none at the end."""
        return self._file.read(min(size, FEW))

    def rewind(self) -> None:
        """Begin anew."""
        self._file.seek(0)

    def close(self) -> None:
        """Leave the file open, which its owner closes."""


def _gzip(file: _SmallReads) -> Any:
    return gzip.GzipFile(fileobj=file, mode="rb")  # type: ignore[call-overload]


class _Members:
    """The content of a file of one or more compressed members, which nothing but zeros may follow."""

    def __init__(self, file: _SmallReads, decompressor: Callable[[], Any]) -> None:
        self._file, self._decompressor = file, decompressor
        self._member, self._input = decompressor(), b""
        self._is_begun = self._is_later = False

    def read(self, size: int) -> bytes:
        """Return at most so many bytes; none at the end.

        Raises EOFError where a member is cut off, and the error of the decompressor where something is no member.
        """
        while True:
            if self._member.eof:
                self._input = self._member.unused_data
                self._member, self._is_begun, self._is_later = self._decompressor(), False, True
            if not self._input and self._member.needs_input:
                self._input = self._file.read()
                if not self._input and self._is_begun:
                    raise EOFError("Compressed file ended before the end-of-stream marker was reached")
                if not self._input:
                    return b""
            if self._is_later and not self._is_begun:
                self._input = self._input.lstrip(b"\0")
            self._is_begun = self._is_begun or bool(self._input)
            content: bytes = self._member.decompress(self._input, size)
            self._input = b""
            if content:
                return content

    def close(self) -> None:
        """Leave the file open, which its owner closes."""


def _bz2(file: _SmallReads) -> _Members:
    return _Members(file, bz2.BZ2Decompressor)


def _xz(file: _SmallReads) -> _Members:
    return _Members(file, lzma.LZMADecompressor)


class _Zstd:
    """The content of a file in zstd."""

    def __init__(self, file: _SmallReads) -> None:
        self._file, self._stream = file, _zstd_stream(file)
        self._position = 0
        self._damage: OSError | None = None

    def read(self, size: int) -> bytes:
        """Return at most so many bytes; none at the end. Raises OSError where the file is damaged."""
        if self._damage:
            raise self._damage
        try:
            content: bytes = self._stream.read(size)
        except OSError as error:
            self._damage = error
            content = self._read_up_to_damage()
            if not content:
                raise
        self._position += len(content)
        return content

    def close(self) -> None:
        """Free the decompressor."""
        self._stream.close()

    def _read_up_to_damage(self) -> bytes:
        """Read the file again, and return what comes after ``_position``: a read that fails gives nothing of it."""
        self._file.rewind()
        self._stream = _zstd_stream(self._file)
        left, found = self._position, bytearray()
        while left:
            left -= len(self._stream.read(min(left, BLOCK)))
        with suppress(OSError):
            while byte := self._stream.read(1):
                found += byte
        return bytes(found)


def _zstd_stream(file: _SmallReads) -> Any:
    from edgener.corpora.parquet import zstd_stream

    return zstd_stream(file)


_DECOMPRESSORS: dict[str, Callable[[_SmallReads], Any]] = {
    ".gz": _gzip,
    ".bz2": _bz2,
    ".xz": _xz,
    ".zst": _Zstd,
}
