"""Hashes of any number of substrings of one text at once, from sums over its code points (Karp and Rabin, 1987).

The hash of a string is the sum of its code points, each times a power of BASE, modulo 2**64. Sums from the text's
beginning are taken once; the difference of two of them, divided by the power at which the substring starts, is the
substring's hash. Strings with equal hashes may differ, so that they need to be compared.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

BASE = 0x9E3779B97F4A7C15
"""An odd number, which therefore has an inverse modulo 2**64."""
INVERSE = pow(BASE, -1, 1 << 64)
MASK = (1 << 64) - 1


def hash_of(string: str) -> int:
    """Return the hash of one string, from 0 to 2**64 - 1."""
    total = 0
    for character in reversed(string):
        total = total * BASE + ord(character)
    return total & MASK


def code_points(text: str) -> NDArray[np.uint32]:
    """Return the code points of a text, lone surrogates included."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


class SubstringHashes:
    """The sums over one text, from which the hashes of its substrings follow."""

    def __init__(self, codes: NDArray[np.uint32]) -> None:
        """Take the code points of the text."""
        powers_of_base, self._inverses = powers((len(codes) + 1).bit_length())
        self._sums = np.zeros(len(codes) + 1, dtype=np.uint64)
        np.cumsum(codes * powers_of_base[: len(codes)], out=self._sums[1:])

    def of(self, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.uint64]:
        """Return the hashes of the substrings that begin at ``starts`` and end before ``ends``, as ``hash_of`` does."""
        hashes: NDArray[np.uint64] = (self._sums[ends] - self._sums[starts]) * self._inverses[starts]
        return hashes


@lru_cache(maxsize=32)
def powers(bits: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the first 2**bits powers of BASE and of its inverse, modulo 2**64."""
    first = np.uint64(1)
    bases, inverses = (np.full(1 << bits, number, dtype=np.uint64) for number in (BASE, INVERSE))
    bases[0] = inverses[0] = first
    return np.cumprod(bases), np.cumprod(inverses)
