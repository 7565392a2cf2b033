"""The memory that programs may still take on this machine."""

from __future__ import annotations

import re
from pathlib import Path


def available_memory(root: Path = Path("/")) -> int | None:
    """Return the memory in MiB that the system under ``root`` has left, or None where it does not tell.

    In a container it is at most the limit of the control group (version 2).
    """
    try:
        found = re.search(r"^MemAvailable: *(\d+) kB", (root / "proc/meminfo").read_text(errors="replace"), re.M)
    except OSError:
        return None
    if not found:
        return None
    available = int(found[1]) // 1024
    try:
        limit = int((root / "sys/fs/cgroup/memory.max").read_text(encoding="ascii")) >> 20
    except (OSError, ValueError):  # no control group, or "max"
        return available
    return min(available, limit)
