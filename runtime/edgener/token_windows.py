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
    starts, ends = offsets[:, 0], offsets[:, 1]
    for window in _windows(chunk.text, starts, max_tokens - SPECIAL_TOKENS, join_lines):
        if ends[window.core_end - 1] > chunk.core_start and starts[window.core_start] < chunk.core_end:
            yield window


def _windows(text: str, starts: NDArray[np.int64], room: int, join_lines: bool) -> Iterator[Window]:
    """Yield the windows over all sentences; one that is too long is cut at doubtful ends, if it holds any.

    A doubtful end may stand inside a name, so that the windows on both sides of it see some of the other side.
    """
    margin = min(LONGEST_MARGIN, room // 4)
    context = margin // 2
    first = 0
    cuts: list[int] | None = None
    for last in np.searchsorted(starts, list(sentence_ends(text, join_lines=join_lines))).tolist():
        if last - first <= room:
            yield from windows(first, last, room, margin)
        else:
            if cuts is None:
                cuts = np.searchsorted(starts, list(doubtful_ends(text))).tolist()
            for start, end in passages(first, last, cuts, room - 2 * context):
                for window in windows(max(first, start - context), min(last, end + context), room, margin):
                    core_start, core_end = max(window.core_start, start), min(window.core_end, end)
                    if core_start < core_end:
                        yield window._replace(core_start=core_start, core_end=core_end)
        first = last
