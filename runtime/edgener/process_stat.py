"""Numbers that the kernel tells of this process in /proc/self/stat (proc(5))."""

from __future__ import annotations

import os
import time
from pathlib import Path

STAT = Path("/proc/self/stat")
START_TICKS, VIRTUAL_BYTES, RESIDENT_PAGES = 19, 20, 21
"""Places of fields after the name of the program, which may hold blanks."""


def stat_fields() -> list[bytes]:
    """Return the fields after the name of the program. Raises OSError where there is no such file."""
    return STAT.read_bytes().rpartition(b")")[2].split()


def process_age() -> float:
    """Return the seconds since this process was started, to a hundredth, as the kernel counts them."""
    started = int(stat_fields()[START_TICKS]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started
