"""Reading of texts without labels, as examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgener.tokenizer import Encoder
from edgener_export.corpus.sampling import evenly_spread
from edgener_export.corpus.text_file import iterate_lines, read_lines
from edgener_export.training.batches import IGNORED, Example, rows_of

WordsOf = Callable[[str, NDArray[np.int64]], NDArray[np.int64]]
"""Returns the number of each token's word, given a text and the code-point ranges of its tokens."""


def read_texts(path: Path, number: int) -> list[str]:
    """Return the lines of a file, also .xz; only ``number`` of them, evenly spread, unless it is 0.

    The file is read twice then, since it may be larger than the memory.
    """
    if not number:
        return read_lines(path)
    count = sum(1 for _ in iterate_lines(path))
    places = set(evenly_spread(range(count), number))
    return [line for place, line in enumerate(iterate_lines(path)) if place in places]


def unlabelled_examples(
    texts: Sequence[str], encoder: Encoder, max_tokens: int, words_of: WordsOf | None = None
) -> Iterator[Example]:
    """Yield an example without labels for each window of each text."""
    for text in texts:
        rows = list(rows_of(text, encoder, max_tokens))
        if not rows:
            continue
        offsets = [row.encoding.offsets[row.tokens] for row in rows]
        ends = np.cumsum([len(each) for each in offsets])[:-1]
        words = np.split(words_of(text, np.concatenate(offsets)), ends) if words_of else [None] * len(rows)
        for row, numbers in zip(rows, words, strict=True):
            yield Example(
                row.ids,
                np.full(len(row.ids), IGNORED, dtype=np.int64),
                words=None if numbers is None else np.pad(numbers - numbers[0], 1),
            )
