"""Text files in other encodings than UTF-8, and files that are no text: recognized, and refused with a remedy."""

from __future__ import annotations

import codecs
import json
import re

from edgener.errors import InputError, UsageError
from edgener.line_reader import UTF_8
from edgener.lone_surrogates import UNDECODABLE

SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "cp950"}
"""Encodings that files are called by, and the larger ones that they are in when a rare character occurs."""
ENOUGH = 16
"""Code points beyond ASCII after which a file can be judged before its end."""
ENOUGH_LINES = 4
"""Lines after which a pipe can be, from which a single one may come alone."""
MOST, MOST_OF_OTHERS = 1 / 2, 1 / 32
"""Shares of the code points beyond ASCII that may be undecodable, of UTF-8 and of encodings that take most bytes."""
BLANK = " \t\r\0"
"""Characters of lines that hold nothing; half of the code of a line break in UTF-16 is NUL."""
COMPRESSED = {
    re.compile("\x1f\udc8b"): "zcat",
    re.compile("\udcfd7zXZ"): "xzcat",
    re.compile("BZh[1-9]1AY&SY"): "bzcat",
    re.compile("\\(\udcb5/\udcfd"): "zstdcat",
}
"""Starts of compressed files, and the programs that decompress them to standard output."""
UTF_16_MARKS = ("\udcff\udcfe", "\udcfe\udcff")
"""Byte order marks of UTF-16, read as UTF-8; that of UTF-32 begins with the first of them."""
LEAST_LENGTH, NUL_SHARE = 16, 0.4
"""Every second character of English text in UTF-16 is NUL; text of this length with this share of them is none."""
OTHER_FORMATS = {
    re.compile("PK\x03\x04"): "a ZIP archive or an office document",
    re.compile(r"%PDF-\d\.\d"): "a PDF",
}
"""Starts of files that hold text in a form that only other programs read."""


def known_encoding(name: str) -> str:
    """Return the name of the decoder for an encoding that a user names; raise UsageError if there is none."""
    try:
        found = codecs.lookup(name).name
        b"a".decode(found, "replace")  # fails for what makes bytes of bytes, as base64 does
        codecs.getincrementaldecoder(found)
    except (LookupError, ValueError) as error:
        raise UsageError(f"--encoding is {name!r}; known are utf-8, gb18030, utf-16, big5 and others") from error
    return UTF_8 if found == "utf-8-sig" else SUPERSETS.get(found, found)


class Inspection:
    """Looks at the text of one file, block by block, for what shows that it is not lines of UTF-8 text."""

    def __init__(self, name: str, encoding: str, original: str = UTF_8, *, is_pipe: bool = False) -> None:
        """Take the file's name, the encoding of its text, and the one that this text was made from.

        What comes through a pipe may be lines of a log, of which one says little of the next ones.
        """
        self.name = name
        """The file, as messages call it."""
        self.warning = ""
        """Message for the user about the blocks so far; empty where there is nothing to tell."""
        self._encoding = encoding
        self._is_first, self._enough_lines = True, ENOUGH_LINES if is_pipe else 1
        self._original, self._most = ("UTF-8", MOST) if original == UTF_8 else (original, MOST_OF_OTHERS)
        self._undecodable = self._beyond_ascii = 0
        self._lines = self._undecodable_lines = 0

    def add(self, text: str) -> None:
        """Look at the next block; raise InputError if the file is no text, or most of it is not in UTF-8."""
        if self._is_first and text:
            self._is_first = False
            self._check_start(text)
        if self._encoding != UTF_8:
            return
        lines = text.split("\n")
        self._lines += _filled(lines)
        if not text.isascii():
            undecodable = len(UNDECODABLE.findall(text))
            self._undecodable += undecodable
            self._beyond_ascii += len(text) - len(text.encode("ascii", "ignore"))
            if undecodable:
                self._undecodable_lines += sum(bool(UNDECODABLE.search(line)) for line in lines)
                self.warning = f"{self.name}: holds bytes that are not UTF-8; they are kept as they are"
            if self._beyond_ascii >= ENOUGH and self._lines >= self._enough_lines:
                self.end()

    def end(self) -> None:
        """Judge the blocks so far; raise InputError if they are in another encoding.

        They are if most lines hold what cannot be decoded, and it is too much of what is not ASCII. A single byte, or
        some lines in an otherwise plain file, say nothing of the file.
        """
        is_much = self._undecodable > max(1, self._most * self._beyond_ascii)
        if is_much and self._undecodable_lines * 2 > self._lines:
            raise InputError(
                f"{self.name}: is not {self._original}: {self._undecodable} of {self._beyond_ascii} characters beyond "
                "ASCII cannot be decoded; name its encoding, as --encoding gb18030 or --encoding utf-16"
            )

    def _check_start(self, text: str) -> None:
        for start, program in COMPRESSED.items():
            if start.match(text):
                raise InputError(f"{self.name}: is compressed; decompress it: {program} FILE | edgener")
        for start, kind in OTHER_FORMATS.items():
            if start.match(text):
                raise InputError(f"{self.name}: is {kind}, not text; extract its text first")
        if self._encoding == UTF_8:
            self._check_utf_16(text)
        if text.startswith("{") and _is_json_object(text.partition("\n")[0]):
            self.warning = (
                f"{self.name}: looks like JSON lines, but each line is searched as it is, braces and escapes included; "
                "extract the text first, for example: jq -r .text FILE | edgener"
            )

    def _check_utf_16(self, text: str) -> None:
        if text.startswith(UTF_16_MARKS):
            raise InputError(
                f"{self.name}: is not UTF-8: it begins as UTF-16 or UTF-32; name its encoding, as --encoding utf-16"
            )
        if len(text) >= LEAST_LENGTH and text.count("\0") >= NUL_SHARE * len(text):
            raise InputError(
                f"{self.name}: is not UTF-8: it is full of NUL, as UTF-16 without a byte order mark is; name its "
                "encoding, as --encoding utf-16-le or --encoding utf-16-be"
            )


def _filled(lines: list[str]) -> int:
    return sum(bool(line.strip(BLANK)) for line in lines)


def _is_json_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
