"""The bytes of a file, decompressed, with the position in the file as it lies on the disk."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from edgener.errors import InputError

BLOCK = 1 << 18
"""Bytes that are read at once."""


class ByteStream:
    """The content of a file, decompressed as the end of its name says; a context manager that closes the file.

    Raises InputError, which names the file, where it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise InputError(f"{path}: cannot be opened: {error.strerror}") from error
        try:
            self._content = _DECOMPRESSORS.get(path.suffix.lower(), _plain)(self._file)
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
        """Yield the content in blocks; raises InputError where the file is damaged or cut off."""
        try:
            while block := self._read(BLOCK):
                yield block
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            raise InputError(f"{self._path}: cannot be read to its end: {error}; copy the file again") from error

    @property
    def position(self) -> int:
        """Bytes of the file that were read so far, before decompression."""
        return self._file.tell()


def _plain(file: IO[bytes]) -> IO[bytes]:
    return file


def _gzip(file: IO[bytes]) -> Any:
    return gzip.GzipFile(fileobj=file, mode="rb")


class _Members:
    """The content of a file of one or more compressed members, which nothing but zeros may follow."""

    def __init__(self, file: IO[bytes], decompressor: Callable[[], Any]) -> None:
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
                self._input = self._file.read(BLOCK)
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


def _bz2(file: IO[bytes]) -> _Members:
    return _Members(file, bz2.BZ2Decompressor)


def _xz(file: IO[bytes]) -> _Members:
    return _Members(file, lzma.LZMADecompressor)


def _zstd(file: IO[bytes]) -> Any:
    from edgener.corpora.parquet import zstd_stream

    return zstd_stream(file)


_DECOMPRESSORS: dict[str, Callable[[IO[bytes]], Any]] = {
    ".gz": _gzip,
    ".bz2": _bz2,
    ".xz": _xz,
    ".zst": _zstd,
}
