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

from edgener_export.errors import CorpusError

UTF_8 = "utf-8"
BYTE_ORDER_MARK = "\ufeff"
PACKED = (".xz", ".gz")
"""Suffixes of packed files."""
HEAD = 4096
"""Bytes at the start of a file that are looked at for signs of another encoding."""
UTF_16_SHARE = 0.7
"""Least share of byte pairs with the same half zero that makes a file look like UTF-16 without a byte order mark."""
UNREADABLE = (OSError, EOFError, lzma.LZMAError, zlib.error)
REMEDY = "name the encoding it has, such as --encoding gb18030 for GBK and GB2312 (in a recipe: encoding, under [data])"


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


def verify_encoding(name: str) -> None:
    """Raise CorpusError if Python knows no text encoding of this name."""
    try:
        "".encode(name)
        codecs.lookup(name)
    except (LookupError, ValueError) as error:
        raise CorpusError(
            f"encoding {name!r} is unknown; Chinese text is utf-8, gb18030 (GBK, GB2312), big5, or utf-16"
        ) from error


def read_lines(path: Path, errors: str = "strict", encoding: str = UTF_8) -> list[str]:
    """Return all lines without their ends, as ``iterate_lines`` yields them."""
    return list(iterate_lines(path, errors, encoding))


def iterate_lines(path: Path, errors: str = "strict", encoding: str = UTF_8) -> Iterator[str]:
    """Yield the lines one by one, without their ends (LF or CRLF); what follows the last line end is a line too.

    ``errors`` is what ``bytes.decode`` calls so. A byte order mark is no part of the first line. Raises CorpusError
    where the file cannot be read; it names the line of the first bytes that are not in the encoding.
    """
    verify_encoding(encoding)
    try:
        with open_packed(path, "rb") as file:
            if is_utf_8(encoding):
                _refuse_utf_16(path, file.read(HEAD))
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
        raise CorpusError(_undecodable(path, encoding)) from error
    except UNREADABLE as error:
        raise CorpusError(f"{path}: cannot be read: {error}") from error


def is_utf_8(encoding: str) -> bool:
    """Tell whether this is a name of UTF-8, with a byte order mark or without."""
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def _without_byte_order_mark(line: str) -> str:
    is_token = line[1:2] in (" ", "\t") and line[1:2]  # a row of a tagged file whose character is U+FEFF
    return line if is_token else line.removeprefix(BYTE_ORDER_MARK)


def _refuse_utf_16(path: Path, head: bytes) -> None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise CorpusError(f"{path}:1: starts with the byte order mark of UTF-16; add --encoding utf-16")
    pairs = len(head) // 2
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if pairs and head[first::2].count(0) >= UTF_16_SHARE * pairs > head[1 - first :: 2].count(0):
            raise CorpusError(f"{path}:1: every second byte is zero, as in UTF-16; add --encoding {name}")


def _undecodable(path: Path, encoding: str) -> str:
    """Return the message that names the first bytes that are not in the encoding."""
    with open_packed(path, "rb") as file:
        content = file.read()
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].decode(encoding, "replace").count("\n") + 1
        what = "UTF-8" if is_utf_8(encoding) else encoding
        torn = ", or name the format weibo if it is Weibo NER with its torn emoji" if is_utf_8(encoding) else ""
        return f"{path}:{line}: is not {what} at byte {error.start}; {REMEDY}{torn}"
    except UnicodeError as error:
        return f"{path}:1: is not {encoding}: {error}; {REMEDY}"
    return f"{path}: is not {encoding}; {REMEDY}"
