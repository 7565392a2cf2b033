"""Text of any length to pieces that fit the model, in two steps of the same kind.

Text is first cut into chunks of bounded length, which bounds the memory, and the tokens of a chunk into windows,
which bounds what the model sees at once. Both cuts are made at sentence ends where there are any. Where there are
none, neighbours overlap: each owns a core range, the cores cover everything once, and an entity belongs to the window
whose core it starts in. The margin around the core is context, long enough for an entity that starts in the core to
end there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

CHUNK = 8192
"""Longest chunk in code points."""
CHUNK_MARGIN = 256
"""Context in code points on each side of a chunk's core where no sentence ends."""
BLOCK = 1 << 16
"""Code points that are copied at once out of a long string."""
SENTENCE_END = re.compile(r"[。！？!?…]+[”’」』）》】〉\"')]*|\.(?=\s)|[\r\n\u2028\u2029]+")


class Chunk(NamedTuple):
    """A part of a document with its context."""

    offset: int
    """Code points of the document before ``text``."""
    text: str
    """Context, core, context."""
    core_start: int
    """Where the core starts in ``text``."""
    core_end: int
    """Where the core ends in ``text``."""


class Window(NamedTuple):
    """Half-open ranges of positions."""

    start: int
    """First position that the model sees."""
    core_start: int
    """First position that the window owns."""
    core_end: int
    """One past the last position that it owns."""
    end: int
    """One past the last position that the model sees."""


def chunks(pieces: Iterable[str], limit: int = CHUNK, margin: int = CHUNK_MARGIN) -> Iterator[Chunk]:
    """Chunks of at most ``limit`` code points of the document that ``pieces`` make up, in order.

    The cores, laid side by side, are the document. An empty document has no chunk.
    """
    buffer, offset, core_start = "", 0, 0
    for block in _blocks(pieces):
        buffer += block
        position = 0
        while len(buffer) - position > limit:
            text = buffer[position : position + limit]
            sentence_end = _last_sentence_end(text)
            if sentence_end > core_start:
                yield Chunk(offset + position, text[:sentence_end], core_start, sentence_end)
                position, core_start = position + sentence_end, 0
            else:
                yield Chunk(offset + position, text, core_start, limit - margin)
                position, core_start = position + limit - 2 * margin, margin
        buffer, offset = buffer[position:], offset + position
    if len(buffer) > core_start:
        yield Chunk(offset, buffer, core_start, len(buffer))


def sentence_ends(text: str) -> Iterator[int]:
    """Where sentences end, ascending; the last one is the length of the text."""
    end = 0
    for match in SENTENCE_END.finditer(text):
        end = match.end()
        yield end
    if end < len(text):
        yield len(text)


def windows(start: int, end: int, limit: int, margin: int) -> Iterator[Window]:
    """Windows of at most ``limit`` positions over a sentence; several overlap, of nearly equal length."""
    if end - start <= limit:
        if end > start:
            yield Window(start, start, end, end)
        return
    core = limit - 2 * margin
    count = -(-(end - start - 2 * margin) // core)
    edges = [start + margin + (end - start - 2 * margin) * number // count for number in range(count + 1)]
    edges[0], edges[-1] = start, end
    for core_start, core_end in pairwise(edges):
        yield Window(max(start, core_start - margin), core_start, core_end, min(end, core_end + margin))


def _blocks(pieces: Iterable[str]) -> Iterator[str]:
    for piece in pieces:
        for start in range(0, len(piece), BLOCK):
            yield piece[start : start + BLOCK]


def _last_sentence_end(text: str) -> int:
    end = 0
    for match in SENTENCE_END.finditer(text):
        end = match.end()
    return end
