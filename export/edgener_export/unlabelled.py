"""Texts without labels, as examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgener.encode import Encoder
from edgener_export.batches import IGNORED, Example
from edgener_export.lines import read_lines

WordsOf = Callable[[str, NDArray[np.int64]], NDArray[np.int64]]
"""From a text and the code-point ranges of its tokens, the number of each token's word."""


def read_texts(path: Path, number: int) -> list[str]:
    """The lines of a file, also .xz; only ``number`` of them, evenly spread, unless it is 0."""
    lines = read_lines(path)
    return lines[:: max(1, len(lines) // number)][:number] if number else lines


def unlabelled_examples(
    texts: Sequence[str], encoder: Encoder, max_tokens: int, words_of: WordsOf | None = None
) -> Iterator[Example]:
    """Examples without labels; what is longer than a window is cut."""
    room = max_tokens - 2
    for text, encoding in zip(texts, encoder(texts), strict=True):
        words = words_of(text, encoding.offsets) if words_of else None
        for start in range(0, len(encoding.ids), room):
            ids = np.concatenate([[encoder.start_id], encoding.ids[start : start + room], [encoder.end_id]])
            yield Example(
                ids,
                np.full(len(ids), IGNORED, dtype=np.int64),
                words=None if words is None else np.pad(words[start : start + room] - words[start], 1),
            )
