"""The limit of open files, each of which a connection is."""

from __future__ import annotations

import resource

from edgener.errors import UsageError
from edgener.serve.protocol import SPARE_CONNECTIONS

OTHER_FILES = 64
"""Open files that a process has beside its connections, at most."""


def allow_open_files(most_connections: int) -> None:
    """Raise this process's limit of open files to what so many connections need.

    Raises UsageError where the system allows fewer.
    """
    needed = most_connections + SPARE_CONNECTIONS + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise UsageError(
            f"--most-connections {most_connections} needs {needed} open files, and {hard} are allowed; take fewer, or "
            "allow more (ulimit -n, LimitNOFILE= of systemd)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
