"""One command at a time in the directory of a run: two would each write the other's states."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from edgener_export.errors import BusyError
from edgener_export.files.atomic import writing
from edgener_export.training.hardware import hardware

LOCK = ".lock"


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Make a directory, unless it is there, and keep other commands out of it; a killed command leaves no lock behind.

    Processes that train together share the lock of the one that writes. Raises BusyError where another command works
    there, OutputError where the directory or the lock cannot be written.
    """
    with writing(run):
        run.mkdir(parents=True, exist_ok=True)
    if not hardware().is_main:
        yield
        return
    with _opened(run / LOCK) as file:
        with writing(run):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BusyError(
                    f"{run}: another edgener-export works there; let it end, or name another --run"
                ) from error
        yield


def _opened(path: Path) -> TextIO:
    with writing(path):
        return path.open("w")
