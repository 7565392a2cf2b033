"""The beginnings of words in Chinese text, which has no spaces. This is the only file that imports rjieba.

rjieba brings jieba's dictionary and hidden Markov model in one wheel, needs no download, and is maintained; jieba
itself had its last release in January 2020.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgener.errors import how_to_install
from edgener_export.errors import RecipeError

if TYPE_CHECKING:
    from rjieba import Jieba

EXTRA = "export-adapt"


def require_segmenter() -> None:
    """Raises RecipeError where the segmenter is not installed."""
    if find_spec("rjieba") is None:
        raise RecipeError(f"[adapt] needs rjieba: {how_to_install('export', EXTRA)}")


def words_of(text: str, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of the word [tokens] in which each token begins, given the tokens' code-point ranges."""
    ends = np.cumsum([len(word) for word in _segmenter().cut(text)])
    return np.searchsorted(ends, offsets[:, 0], side="right").astype(np.int64)


@cache
def _segmenter() -> Jieba:
    from rjieba import Jieba

    return Jieba()
