"""The log of a job: one line of JSON for each part that is done, which the disk holds before the next step.

A job that is killed leaves at most one line that is cut off; it is removed before the next line is written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgener.errors import MixedJobError


class Log:
    """A log that is open for writing; a context manager that closes it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        whole = path.read_bytes().rfind(b"\n") + 1
        self._file.truncate(whole)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def append(self, entry: dict[str, Any]) -> bytes:
        """Add an entry, which is on the disk afterwards, and return its line.

        Raises OSError where it cannot be written.
        """
        line = content = json.dumps(entry, ensure_ascii=True).encode() + b"\n"
        while content:
            content = content[self._file.write(content) :]
        os.fsync(self._file.fileno())
        return line


def read_log(path: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield the entries of a log that are whole, each with its line. Raises MixedJobError where a line is no entry."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            entry = _entry(line)
            if entry is None:
                raise MixedJobError(f"{path}: line {number} is no entry of a log; give another folder with --output")
            yield entry, line


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
