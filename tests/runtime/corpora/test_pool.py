"""The pool of worker processes: how many it starts at once."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgener.bundle import manifest_digest
from edgener.corpora.inputs import find_inputs
from edgener.corpora.parts import parts_of
from edgener.corpora.pool import Pool
from edgener.corpora.settings import Settings
from edgener.corpora.worker import Start, Task
from edgener.rules import Rules
from tests.support import TINY_BUNDLE

MOST = 7


def tasks(folder: Path) -> Iterator[Task]:
    """Yield parts of one row each, more than are needed."""
    text = folder / "texts.txt"
    text.write_text("张伟在北京。\n" * 1000, encoding="utf-8")
    (file,) = find_inputs([str(text)], folder / "out").files
    for number, part in enumerate(parts_of(file, Settings(part_bytes=1))):
        yield Task(part, [folder / str(number)])


@pytest.mark.parametrize(("first", "expected"), [(1, [1, 2, 4]), (2, [2, 4, MOST])])
def test_as_many_processes_are_started_at_once_as_have_shown_that_they_can(
    tmp_path: Path, first: int, expected: list[int]
) -> None:
    work = tasks(tmp_path)
    start = Start(TINY_BUNDLE, manifest_digest(TINY_BUNDLE), 1, Settings(part_bytes=1), Rules())
    processes = []
    with Pool(start, MOST, MOST, first=first) as pool:
        for busy in (0, first, 2 * first):
            until = time.monotonic() + 30
            while pool.tasks < busy and time.monotonic() < until:
                list(pool.events(1.0))
                while pool.has_room():
                    pool.submit(next(work))
            pool.has_room()
            processes.append(len(multiprocessing.active_children()))
    assert processes == expected
