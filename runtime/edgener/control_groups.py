"""Control groups, by which containers, systemd and job schedulers limit memory and processor time (cgroups(7))."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

LINE = re.compile(r"^\d+:(?P<controllers>[^:]*):/?(?P<path>.*)$", re.M)
"""A line of /proc/self/cgroup; that of version 2 names no controllers."""


def groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the directories of this process's group and of all groups around it, in version 2 and in version 1.

    ``controller`` is a name of version 1, such as ``memory``. Directories need not exist, and may come twice: a
    container sees its own group as the outermost one, by a path that leads elsewhere.
    """
    mounted = root / "sys/fs/cgroup"
    try:
        found = list(LINE.finditer((root / "proc/self/cgroup").read_text(errors="replace")))
    except OSError:
        found = []
    for line in found:
        path = PurePosixPath(line["path"])
        if controller in line["controllers"].split(","):
            places = [mounted / controller]
        else:
            places = [] if line["controllers"] else [mounted, mounted / "unified"]
        yield from (place / group for place in places for group in (path, *path.parents))
    yield from (mounted, mounted / controller)


def number(path: Path) -> int | None:
    """Return the number that a file of a group holds; None where there is none, as in ``max``."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
