"""Readers of files and pipes, which give lines as documents as soon as they have arrived.

Bytes that are not UTF-8 become lone surrogates, one code point for each byte (PEP 383), and leave as the same bytes. A
byte order mark at the start is no part of the first line, and offsets do not count it.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

BLOCK = 1 << 16
"""Bytes read at once, and code points after which a line is passed on in pieces."""
UTF_8 = "utf-8"
BYTE_ORDER_MARK = "\ufeff"

Document = Iterable[str]
"""A document in pieces: a line without its line end (LF or CRLF), or a whole file."""


def line_groups(
    fd: int, on_read: Callable[[int], None], on_text: Callable[[str], None], encoding: str = UTF_8
) -> Iterator[Sequence[Document]]:
    """Yield groups of the lines of an open file; a line longer than BLOCK is a group of its own.

    Each group must be used up before the next one is asked for. ``on_read`` is given the number of bytes of every
    block, ``on_text`` its text. Raises UnicodeError for bytes that are not in ``encoding``, unless that is UTF_8.
    """
    reader = _Reader(fd, on_read, on_text, encoding)
    while reader.fill():
        yield from _complete_lines(reader)
        while len(reader.rest) > BLOCK:
            yield [reader.long_line()]
            yield from _complete_lines(reader)
    if reader.rest:
        yield [(reader.rest.removesuffix("\r"),)]


def whole_file(
    fd: int,
    on_read: Callable[[int], None],
    on_text: Callable[[str], None],
    encoding: str = UTF_8,
    on_mark: Callable[[], None] = lambda: None,
) -> Iterator[Sequence[Document]]:
    """Yield one group of one document, an open file with its line ends; the arguments are those of ``line_groups``.

    ``on_mark`` is called before the document begins where a byte order mark was left out.
    """
    yield [_pieces(_Reader(fd, on_read, on_text, encoding, on_mark))]


def _pieces(reader: _Reader) -> Iterator[str]:
    while reader.fill():
        piece, reader.rest = reader.rest, ""
        if piece:
            yield piece


def _complete_lines(reader: _Reader) -> Iterator[Sequence[Document]]:
    *lines, reader.rest = reader.rest.split("\n")
    if lines:
        yield [(line.removesuffix("\r"),) for line in lines]


class BlockDecoder:
    """A decoder of text that arrives in blocks; a byte order mark at its start is left out.

    Bytes that are not UTF-8 become lone surrogates; those that are not in another encoding raise UnicodeError.
    """

    def __init__(self, encoding: str = UTF_8, on_mark: Callable[[], None] = lambda: None) -> None:
        """Take the name of the encoding, and what to call where a byte order mark is left out."""
        self._on_mark = on_mark
        errors = "surrogateescape" if encoding == UTF_8 else "strict"
        self._decoder = codecs.getincrementaldecoder(encoding)(errors)
        self._is_at_start = True

    def __call__(self, block: bytes, *, is_last: bool) -> str:
        """Return the text of the next block."""
        text = self._decoder.decode(block, final=is_last)
        if text and self._is_at_start:
            self._is_at_start = False
            if text.startswith(BYTE_ORDER_MARK):
                self._on_mark()
                text = text.removeprefix(BYTE_ORDER_MARK)
        return text


class _Reader:
    """The text of an open file, as much of it as has arrived and was not taken."""

    def __init__(
        self,
        fd: int,
        on_read: Callable[[int], None],
        on_text: Callable[[str], None],
        encoding: str,
        on_mark: Callable[[], None] = lambda: None,
    ) -> None:
        self.rest = ""
        self._fd, self._on_read, self._on_text = fd, on_read, on_text
        self._decode = BlockDecoder(encoding, on_mark)
        self._ended = False

    def fill(self) -> bool:
        """Append the next block to ``rest``; return False at the end of the file."""
        if self._ended:
            return False
        block = os.read(self._fd, BLOCK)
        self._ended = not block
        text = self._decode(block, is_last=self._ended)
        self._on_text(text)
        self.rest += text
        self._on_read(len(block))
        return bool(text) or not self._ended

    def long_line(self) -> Iterator[str]:
        """Yield the pieces of the line that ``rest`` begins with; afterwards ``rest`` is the text after the line."""
        while "\n" not in self.rest:
            if self.rest:
                held_back = "\r" if self.rest.endswith("\r") else ""
                piece, self.rest = self.rest.removesuffix("\r"), held_back
                if piece:
                    yield piece
            if not self.fill():
                break
        piece, _, self.rest = self.rest.partition("\n")
        yield piece.removesuffix("\r")
