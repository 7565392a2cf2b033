"""Processor cores that this process may use, also where a container is given a share of them."""

from __future__ import annotations

import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Microseconds of processor time for each period, and the period, in control groups of version 2."""


def available_cores(quota: Path = QUOTA) -> int:
    """Return the number of cores, at least 1: those that the scheduler allows, or fewer by the container's share."""
    allowed = len(os.sched_getaffinity(0))
    try:
        time, period = quota.read_text(encoding="ascii").split()
        share = int(time) // int(period)
    except (OSError, ValueError):  # no control group, or "max"
        return allowed
    return max(1, min(allowed, share))
