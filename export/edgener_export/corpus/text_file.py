"""Lines of a text file in any encoding that is named, packed as .xz or .gz or not."""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from edgener.encodings import SUPERSETS
from edgener_export.errors import CorpusError

UTF_8 = "utf-8"
BYTE_ORDER_MARK = "\ufeff"
PACKED = (".xz", ".gz")
"""Suffixes of packed files."""
HEAD = 4096
"""Bytes at the start of a file that are looked at for signs of another encoding."""
WIDE_MARKS = {
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}
"""Byte order marks of encodings that are not read without being named; that of UTF-32 begins with that of UTF-16."""
WIDE_ZEROS = {
    "utf-32-le": (4, ({2, 3}, {1, 2, 3})),
    "utf-32-be": (4, ({0, 1}, {0, 1, 2})),
    "utf-16-le": (2, ({1},)),
    "utf-16-be": (2, ({0},)),
}
"""Bytes of a code unit, and which of them are zero in most units, without a byte order mark."""
ZERO_SHARE = 0.7
"""Least share of code units in which a byte is zero that makes it one of those."""
UNREADABLE = (OSError, EOFError, lzma.LZMAError, zlib.error)
NAME_ENCODING = "name the encoding it has, such as --encoding gb18030 for GBK and GB2312"
"""The remedy for a file in another encoding, where the user can name one."""


def open_packed(path: Path, mode: str) -> IO[bytes]:
    """Open a file in a binary mode, packing or unpacking it if it is called .xz or .gz."""
    if path.suffix == ".xz":
        return cast("IO[bytes]", lzma.open(path, mode))
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, mode))
    return cast("IO[bytes]", path.open(mode))


def suffix_inside(path: Path) -> str:
    """Return the suffix of a file's name without that of its packing."""
    return (path.with_suffix("") if path.suffix in PACKED else path).suffix


def wide_encoding(name: str) -> str:
    """Return the encoding that files called by this name are read in, which holds rare characters, too.

    Raises CorpusError if Python knows no text encoding of this name.
    """
    try:
        "".encode(name)
        return SUPERSETS.get(codecs.lookup(name).name, name)
    except (LookupError, ValueError) as error:
        raise CorpusError(
            f"encoding {name!r} is unknown; Chinese text is utf-8, gb18030 (GBK, GB2312), big5, or utf-16"
        ) from error


def read_lines(path: Path, errors: str = "strict", encoding: str = UTF_8) -> list[str]:
    """Return all lines without their ends, as ``iterate_lines`` yields them."""
    return list(iterate_lines(path, errors, encoding))


def verify_text(path: Path) -> None:
    """Raise CorpusError where the lines of a file cannot be read."""
    for _ in iterate_lines(path):
        pass


def iterate_lines(path: Path, errors: str = "strict", encoding: str = UTF_8, remedy: str = "") -> Iterator[str]:
    """Yield the lines one by one, without their ends (LF or CRLF); what follows the last line end is a line too.

    ``errors`` is what ``bytes.decode`` calls so. A byte order mark is no part of the first line. Raises CorpusError
    where the file cannot be read; it names the line of the first bytes that are not in the encoding, and the
    ``remedy``, which is to convert the file where none is given.
    """
    encoding = wide_encoding(encoding)
    try:
        with open_packed(path, "rb") as file:
            if not file.seekable():
                raise CorpusError(f"{path}: is a pipe, which cannot be read twice; write it to a file, and name that")
            if is_utf_8(encoding):
                _refuse_wide(path, file.read(HEAD), remedy)
                file.seek(0)
            text = io.TextIOWrapper(file, encoding, errors, newline="\n")
            has_begun = False
            line = "\n"
            for line in text:
                content = line[:-2] if line.endswith("\r\n") else line.removesuffix("\n")
                yield content if has_begun else _without_byte_order_mark(content)
                has_begun = True
            if line.endswith("\n"):
                yield ""
    except UnicodeError as error:
        raise CorpusError(_undecodable(path, encoding, remedy)) from error
    except UNREADABLE as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CorpusError(f"{path}: cannot be read: {reason}") from error


def is_utf_8(encoding: str) -> bool:
    """Tell whether this is a name of UTF-8, with a byte order mark or without."""
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def _without_byte_order_mark(line: str) -> str:
    is_token = line[1:2] in (" ", "\t") and line[1:2]  # a row of a tagged file whose character is U+FEFF
    return line if is_token else line.removeprefix(BYTE_ORDER_MARK)


def _refuse_wide(path: Path, head: bytes, remedy: str) -> None:
    """Raise CorpusError for the first bytes of a file in UTF-32 or UTF-16, with a byte order mark or without."""
    for name, marks in WIDE_MARKS.items():
        if head.startswith(marks):
            how = f"add --encoding {name}" if remedy else _conversion(path, name)
            raise CorpusError(f"{path}:1: starts with the byte order mark of {name.upper()}; {how}")
    for name, (width, zeros) in WIDE_ZEROS.items():
        number = len(head) // width
        empty = [head[place::width].count(0) >= ZERO_SHARE * number for place in range(width)]
        if number and {place for place in range(width) if empty[place]} in zeros:
            how = f"add --encoding {name}" if remedy else _conversion(path, name)
            what = (
                "every second byte is zero, as in UTF-16" if width == 2 else "half of the bytes are zero, as in UTF-32"
            )
            raise CorpusError(f"{path}:1: {what}; {how}")


def _conversion(path: Path, encoding: str) -> str:
    return f"convert it, as: iconv -f {encoding} -t utf-8 {path} > utf-8.txt"


def _undecodable(path: Path, encoding: str, remedy: str) -> str:
    """Return the message that names the first bytes that are not in the encoding."""
    remedy = remedy or _conversion(path, "gb18030")
    with open_packed(path, "rb") as file:
        content = file.read()
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].decode(encoding, "replace").count("\n") + 1
        what = "UTF-8" if is_utf_8(encoding) else encoding
        return f"{path}:{line}: is not {what} at byte {error.start}; {remedy}"
    except UnicodeError as error:
        return f"{path}:1: is not {encoding}: {error}; {remedy}"
    return f"{path}: is not {encoding}; {remedy}"
