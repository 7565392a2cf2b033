"""Run programs of the host, with a clear message where one is missing or fails."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgener_edge.errors import ToolError

SHOWN_LINES = 12
"""Number of lines shown of what a failed program said."""
FULL_DISK = os.strerror(errno.ENOSPC)


def run_program(
    command: Sequence[str | Path], remedy: str, *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Run a program and return its standard output; raises ToolError with ``remedy`` and the end of what it said.

    The error's cause is an OSError where the program cannot be started. Raises OSError (ENOSPC) where it says that the
    disk is full.
    """
    environment = {**(os.environ if env is None else env), "LC_ALL": "C.UTF-8"}  # messages are read here, too
    try:
        done = subprocess.run(
            [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, check=False, text=True,
            encoding="utf-8", errors="replace", stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        raise ToolError(f"{command[0]}: cannot be started: {error.strerror}; {remedy}") from error
    if done.returncode:
        if FULL_DISK in done.stderr + done.stdout:
            raise OSError(errno.ENOSPC, FULL_DISK, Path(command[0]).name)
        said = "\n".join((done.stderr + done.stdout).strip().splitlines()[-SHOWN_LINES:])
        raise ToolError(f"{Path(command[0]).name} ended with {done.returncode}; {remedy}\n{said}")
    return done.stdout
