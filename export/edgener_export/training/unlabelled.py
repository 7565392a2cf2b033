"""Texts without labels, as examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgener.encode import Encoder
from edgener_export.corpus.sampling import evenly_spread
from edgener_export.corpus.text_file import read_lines
from edgener_export.training.batches import IGNORED, Example, windows

WordsOf = Callable[[str, NDArray[np.int64]], NDArray[np.int64]]
"""From a text and the code-point ranges of its tokens, the number of each token's word."""


def read_texts(path: Path, number: int) -> list[str]:
    """The lines of a file, also .xz; only ``number`` of them, evenly spread, unless it is 0."""
    lines = read_lines(path)
    return evenly_spread(lines, number) if number else lines


def unlabelled_examples(
    texts: Sequence[str], encoder: Encoder, max_tokens: int, words_of: WordsOf | None = None
) -> Iterator[Example]:
    """Examples without labels; what is longer than a window is cut."""
    for text, encoding in zip(texts, encoder(texts), strict=True):
        words = words_of(text, encoding.offsets) if words_of else None
        for tokens, row in windows(encoding, encoder, max_tokens):
            yield Example(
                row,
                np.full(len(row), IGNORED, dtype=np.int64),
                words=None if words is None else np.pad(words[tokens] - words[tokens.start], 1),
            )
