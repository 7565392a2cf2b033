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


def _zstd(file: IO[bytes]) -> Any:
    from edgener.corpora.parquet import zstd_stream

    return zstd_stream(file)


_DECOMPRESSORS: dict[str, Callable[[IO[bytes]], Any]] = {
    ".gz": _gzip,
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".zst": _zstd,
}
