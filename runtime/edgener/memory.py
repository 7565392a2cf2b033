"""The memory that programs may still take on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from edgener.control_groups import groups, number

FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""The names of a group's limit, of its use, and of what it can give back, in version 2 and in version 1."""


def available_memory(root: Path = Path("/")) -> int | None:
    """Return the memory in MiB that the system under ``root`` has left, or None where it does not tell.

    Where control groups limit it, as in containers, services and jobs, it is at most what the tightest group has left.
    """
    try:
        found = re.search(r"^MemAvailable: *(\d+) kB", (root / "proc/meminfo").read_text(errors="replace"), re.M)
    except OSError:
        return None
    return min([int(found[1]) // 1024, *_left(root)]) if found else None


def _left(root: Path) -> Iterator[int]:
    """Yield the MiB that each group with a limit has left."""
    for group in groups(root, "memory"):
        for limit_name, use_name, cache_name in FILES:
            limit, used = number(group / limit_name), number(group / use_name)
            if limit is not None:
                yield max(0, limit - max(0, (used or 0) - _reclaimable(group, cache_name))) >> 20


def _reclaimable(group: Path, name: str) -> int:
    """Return the bytes of a group that hold files nobody has used for a while."""
    try:
        found = re.search(rf"^{name} (\d+)$", (group / "memory.stat").read_text(encoding="ascii"), re.M)
    except (OSError, ValueError):
        return 0
    return int(found[1]) if found else 0
