"""Processor cores that this process may use, also where a control group is given a share of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from edgener.control_groups import groups, number


def available_cores(root: Path = Path("/")) -> int:
    """Return the number of cores, at least 1: those that the scheduler allows, or fewer by the share of a group."""
    return max(1, min([len(os.sched_getaffinity(0)), *_shares(root)]))


def _shares(root: Path) -> Iterator[int]:
    """Yield the whole cores that each group with a limit may use."""
    for group in groups(root, "cpu"):
        try:
            time, period = (group / "cpu.max").read_text(encoding="ascii").split()
            yield int(time) // int(period)
        except (OSError, ValueError):  # no such group, or "max"
            time_v1, period_v1 = number(group / "cpu.cfs_quota_us"), number(group / "cpu.cfs_period_us")
            if time_v1 and period_v1 and time_v1 > 0:
                yield time_v1 // period_v1
