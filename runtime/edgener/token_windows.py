"""Windows over the tokens of a chunk: what the recognizer computes at once, and what the exporter trains a model on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgener.segmentation import Chunk, Window, doubtful_ends, passages, sentence_ends, windows

SPECIAL_TOKENS = 2
"""Number of the tokens [CLS] before and [SEP] after those of a window."""
LONGEST_MARGIN = 32
"""Context in tokens on each side of a window's core where a sentence is cut: long names fit into it."""


def token_windows(
    chunk: Chunk, offsets: NDArray[np.int64], max_tokens: int, *, join_lines: bool = False
) -> Iterator[Window]:
    """Yield the windows over the chunk's sentences that own any of its core, in positions of its tokens.

    ``offsets`` [tokens, 2] are the tokens' code-point ranges in the chunk's text; a window has room for ``max_tokens``,
    special tokens included. With ``join_lines``, the text is wrapped: a sentence goes on in the next line.
    """
    room = max_tokens - SPECIAL_TOKENS
    margin = min(LONGEST_MARGIN, room // 4)
    starts, ends = offsets[:, 0], offsets[:, 1]
    for first, last in _passages(chunk.text, starts, room, join_lines):
        for window in windows(first, last, room, margin):
            if ends[window.core_end - 1] > chunk.core_start and starts[window.core_start] < chunk.core_end:
                yield window


def _passages(text: str, starts: NDArray[np.int64], room: int, join_lines: bool) -> Iterator[tuple[int, int]]:
    """Yield ranges of tokens, one per sentence, or several where a sentence is too long and holds doubtful ends."""
    first = 0
    cuts: list[int] | None = None
    for last in np.searchsorted(starts, list(sentence_ends(text, join_lines=join_lines))).tolist():
        if last - first <= room:
            yield first, last
        else:
            if cuts is None:
                cuts = np.searchsorted(starts, list(doubtful_ends(text))).tolist()
            yield from passages(first, last, cuts, room)
        first = last
