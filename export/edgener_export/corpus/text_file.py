"""Lines of a UTF-8 text file, which may be packed as .xz."""

from __future__ import annotations

import lzma
from pathlib import Path

from edgener_export.errors import CorpusError

BYTE_ORDER_MARK = "\ufeff"


def read_lines(path: Path, errors: str = "strict") -> list[str]:
    """All lines, without their ends; ``errors`` is what ``bytes.decode`` calls so.

    Raises CorpusError where the file cannot be read; it names the line of the first bytes that are not UTF-8.
    """
    open_file = lzma.open if path.suffix == ".xz" else open
    try:
        with open_file(path, "rb") as file:
            content = file.read()
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise CorpusError(f"{path}: cannot be read: {error}") from error
    try:
        text = content.decode("utf-8", errors)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CorpusError(
            f"{path}: is not UTF-8 at byte {error.start}, in line {line}; convert it first, "
            "or name the format weibo if it is Weibo NER with its torn emoji"
        ) from error
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].startswith(BYTE_ORDER_MARK) and lines[0][1:2] not in (" ", "\t"):  # else it is a row's character
        lines[0] = lines[0][1:]
    return lines
