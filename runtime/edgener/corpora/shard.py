"""The share of a job that one of several computers does, which share nothing but the output folder."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from edgener.errors import UsageError


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


def parse_shard(text: str) -> Shard:
    """Return the share that ``I/N`` names; raises UsageError unless 0 <= I < N."""
    match = re.fullmatch(r"(\d+)/(\d+)", text, re.ASCII)
    if not match or not int(match[1]) < int(match[2]):
        raise UsageError(f"--shard is {text!r}; it must be I/N with I from 0 to N-1, as 0/4")
    return Shard(int(match[1]), int(match[2]))
