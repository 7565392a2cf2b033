"""The saturating 16-bit sums of x86 processors without instructions for neural networks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LARGEST_INPUT = 255


def largest_sum(weight: NDArray[np.int8]) -> int:
    """The largest magnitude that two neighbouring rows of a weight [inputs, outputs] can add up to."""
    wide = weight.astype(np.int64)
    pairs = np.concatenate([wide, np.zeros((len(wide) % 2, wide.shape[1]), np.int64)]).reshape(-1, 2, wide.shape[1])
    return LARGEST_INPUT * max(int(np.maximum(sign * pairs, 0).sum(axis=1).max()) for sign in (1, -1))
