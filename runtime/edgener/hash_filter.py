"""A filter that says of most hashes at once that they are not among given ones (Bloom, 1970, with one bit for each)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BITS_PER_HASH = 16
"""Fewest bits of the filter for each hash, so that at most one in sixteen others passes."""
BIT = np.left_shift(1, np.arange(8)).astype(np.uint8)
"""The bits of a byte."""


class HashFilter:
    """Bits, one of which is set for each of the hashes; it is the one that the first bits of the hash number."""

    def __init__(self, hashes: NDArray[np.uint64]) -> None:
        """Take hashes whose first bits are as good as random."""
        bits = max(BITS_PER_HASH * len(hashes), 8).bit_length()
        self._shift = np.uint64(64 - bits)
        self._bytes = np.zeros((1 << bits) // 8, dtype=np.uint8)
        places, its_bits = self._bits(hashes)
        np.bitwise_or.at(self._bytes, places, its_bits)

    def may_hold(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return for each hash whether it may be among those of the filter; for those that are, always true."""
        places, its_bits = self._bits(hashes)
        is_set: NDArray[np.bool_] = (self._bytes[places] & its_bits) != 0
        return is_set

    def _bits(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
        """Return for each hash the place of a byte, and this byte with the one bit that stands for the hash."""
        numbers = (hashes >> self._shift).astype(np.intp)
        return numbers >> 3, BIT[numbers & 7]
