"""Lines of files and pipes as documents: those that have arrived together, so that nobody waits for the next block.

Bytes that are no UTF-8 become lone surrogates, one code point a byte (PEP 383), and leave as the same bytes.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

BLOCK = 1 << 16
"""Bytes read at once, and code points after which a line is passed on in pieces."""
UNDECODABLE = re.compile("[\udc80-\udcff]")

Document = Iterable[str]
"""One line in pieces, without its line end (LF or CRLF)."""


def line_groups(
    fd: int, on_read: Callable[[int], None], on_undecodable: Callable[[], None]
) -> Iterator[Sequence[Document]]:
    """Groups of the lines of an open file; a line longer than BLOCK is a group of its own.

    Each group must be used up before the next one is asked for. ``on_read`` is told the bytes of every block,
    ``on_undecodable`` of every block that is not UTF-8.
    """
    reader = _Reader(fd, on_read, on_undecodable)
    while reader.fill():
        yield from _complete_lines(reader)
        while len(reader.rest) > BLOCK:
            yield [reader.long_line()]
            yield from _complete_lines(reader)
    if reader.rest:
        yield [(reader.rest.removesuffix("\r"),)]


def _complete_lines(reader: _Reader) -> Iterator[Sequence[Document]]:
    *lines, reader.rest = reader.rest.split("\n")
    if lines:
        yield [(line.removesuffix("\r"),) for line in lines]


class _Reader:
    """Text of an open file, as much as has arrived."""

    def __init__(self, fd: int, on_read: Callable[[int], None], on_undecodable: Callable[[], None]) -> None:
        self.rest = ""
        self._fd, self._on_read, self._on_undecodable = fd, on_read, on_undecodable
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._ended = False

    def fill(self) -> bool:
        """Append the next block to ``rest``; False at the end of the file."""
        if self._ended:
            return False
        block = os.read(self._fd, BLOCK)
        self._ended = not block
        text = self._decoder.decode(block, final=self._ended)
        if UNDECODABLE.search(text):
            self._on_undecodable()
        self.rest += text
        self._on_read(len(block))
        return bool(text) or not self._ended

    def long_line(self) -> Iterator[str]:
        """Pieces of the line that ``rest`` begins with; afterwards ``rest`` is what follows the line."""
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
