"""The share of a job that one of several computers does, which share nothing but the output folder."""

from __future__ import annotations

import heapq
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from edgener.errors import UsageError

UNEVEN = 1.05
"""Largest share over the mean at which files are given to shares as a whole."""


@dataclass(frozen=True)
class Shard:
    """One of ``count`` shares; every part belongs to exactly one of them."""

    index: int = 0
    """Number of the share, from 0."""
    count: int = 1
    """Number of shares."""

    def owns(self, name: str, number: int) -> bool:
        """Return True if part ``number`` of the file ``name`` belongs to this share."""
        return (number + zlib.crc32(name.encode("utf-8", "surrogateescape"))) % self.count == self.index

    @property
    def name(self) -> str:
        """Name of the share in names of files."""
        return f"{self.index}-of-{self.count}"


def owners(sizes: Mapping[str, int], count: int) -> dict[str, int] | None:
    """Return which of ``count`` shares each file belongs to, or None where files as a whole would not be even shares.

    ``sizes`` are the bytes of the files by their names. Large files are given first, each to the smallest share so far.
    """
    if count == 1:
        return None
    shares = [(0, index) for index in range(min(count, len(sizes)))]  # the others stay empty
    found = {}
    for name, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        taken, index = heapq.heappop(shares)
        found[name] = index
        heapq.heappush(shares, (taken + size, index))
    largest = max(shares, default=(0, 0))[0]
    return found if largest * count <= sum(sizes.values()) * UNEVEN else None


def parse_shard(text: str) -> Shard:
    """Return the share that ``I/N`` names; raises UsageError unless 0 <= I < N, and N has at most 18 digits."""
    match = re.fullmatch(r"(\d{1,18})/(\d{1,18})", text, re.ASCII)
    if not match or not int(match[1]) < int(match[2]):
        raise UsageError(f"--shard is {text!r}; it must be I/N with I from 0 to N-1, as 0/4")
    return Shard(int(match[1]), int(match[2]))
