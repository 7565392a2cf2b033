"""Files and directories that are whole or not there, and one error where a place takes no more of them."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgener.errors import EdgenerError, OutputError

REMEDY = (
    "free some space, or name another place, and type the same command again: what was trained is not trained again"
)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The error numbers of an operation that fails because there is no room."""
SAYS_FULL = re.compile("|".join((*map(os.strerror, FULL), "Protobuf serialization failed")))
"""Libraries that write on their own raise errors of their own; these are the words of safetensors and onnxruntime."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise OutputError, which names ``path``, if the code within the context cannot write."""
    try:
        yield
    except (EdgenerError, FileNotFoundError):
        raise
    except OSError as error:
        raise OutputError(_message(path, error.strerror or str(error))) from error
    except Exception as error:
        found = next(filter(None, map(SAYS_FULL.search, map(str, _chain(error)))), None)
        if not found:
            raise
        raise OutputError(_message(path, found[0])) from error


@contextmanager
def draft_of(target: Path) -> Iterator[Path]:
    """Give a path for a file or a directory, which becomes ``target`` in one step at the end.

    Where that fails nothing of it stays. Raises OutputError where it cannot be written.
    """
    draft = target.with_name(f".{target.name}")
    try:
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            _remove(draft)
            yield draft
            draft.replace(target)
    finally:
        _remove(draft)


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8, whole or not at all. Raises OutputError where it cannot be written."""
    with draft_of(path) as draft:
        draft.write_text(text, encoding="utf-8")


def append_line(path: Path, line: str) -> None:
    """Add a line to a file, whole or not at all. Raises OutputError where it cannot be written."""
    with writing(path), path.open("ab", buffering=0) as file:
        size, content = file.tell(), f"{line}\n".encode()
        if file.write(content) < len(content):
            file.truncate(size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def take_room(path: Path) -> None:
    """Fill the holes of a file: a process that maps a file with holes and writes there is killed on a full disk."""
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _message(path: Path, reason: str) -> str:
    return f"{path}: cannot be written: {reason}; {REMEDY}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__context__


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
