"""Parts of documents on their way through a model: cut out, computed as rows of tokens, and put together again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgener.segmentation import Chunk, Window, chunks
from edgener.tags import ScoredSpan, Span
from edgener.token_windows import SPECIAL_TOKENS

POOL_DOCUMENTS = 256
"""Most documents that are looked at together, to sort their windows by length."""
POOL_CODE_POINTS = 16384
"""Most text that is looked at together; with the longest chunk it bounds the memory."""


class Part(NamedTuple):
    """A chunk of a document; the only one of an empty document is empty."""

    chunk: Chunk
    is_last: bool
    """The document ends with it."""


class Row(NamedTuple):
    """A window of a part's tokens, as it is given to the model."""

    part: Part
    window: Window
    """Positions in the part's tokens."""
    ids: NDArray[np.int64]
    """Ids of the window's tokens, without special tokens."""
    offsets: NDArray[np.int64]
    """Half-open code-point ranges of the window's tokens in the text of the chunk, with the shape [tokens, 2]."""

    @property
    def length(self) -> int:
        """Return the number of tokens, special tokens included."""
        return len(self.ids) + SPECIAL_TOKENS

    def owned(self, spans: Iterable[ScoredSpan]) -> list[ScoredSpan]:
        """Return those of the window's spans that start in its core and in that of the chunk.

        ``spans`` count the window's tokens; those that are returned, code points of the chunk's text.
        """
        _, core_start, core_end, _ = self.window
        chunk = self.part.chunk
        result = []
        for (first, last, label), score in spans:
            start, end = int(self.offsets[first, 0]), int(self.offsets[last - 1, 1])
            in_window = core_start <= self.window.start + first < core_end
            if in_window and chunk.core_start <= start < chunk.core_end and start < end:
                result.append(ScoredSpan(Span(start, end, label), score))
        return result


class FoundPart(NamedTuple):
    """A part, and what the model finds in it."""

    part: Part
    spans: Sequence[ScoredSpan]
    """The owned spans of its rows, left to right, in code points of the chunk's text."""


def parts(documents: Iterable[Iterable[str]], *, join_lines: bool = False, ahead: int = 0) -> Iterator[Part]:
    """Yield the parts of documents, each of which may arrive in pieces; a document gives at least one part.

    ``join_lines`` and ``ahead`` are those of ``edgener.segmentation.chunks``.
    """
    for pieces in documents:
        latest = Chunk(0, "", 0, 0)
        for number, chunk in enumerate(chunks(pieces, join_lines=join_lines, ahead=ahead)):
            if number:
                yield Part(latest, is_last=False)
            latest = chunk
        yield Part(latest, is_last=True)


def pools(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Yield lists of the parts, in order, whose rows are sorted by length together.

    Where ``parts`` raises an error, it is raised after a list of those before it.
    """
    pool: list[Part] = []
    code_points = 0
    source = iter(parts)
    while True:
        try:
            part = next(source, None)
        except Exception:
            if pool:
                yield pool
            raise
        if part is None:
            break
        pool.append(part)
        code_points += len(part.chunk.text)
        if len(pool) == POOL_DOCUMENTS or code_points >= POOL_CODE_POINTS:
            yield pool
            pool, code_points = [], 0
    if pool:
        yield pool
