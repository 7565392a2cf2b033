"""A command with everything that it starts: processor time, memory and wall time of the whole tree of processes.

Linux only: orphans of the command become children of this process (prctl), so that none is missed.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
EVERY = 1.0
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Usage:
    """The costs of a command and of everything that it started."""

    code: int
    """Exit code."""
    cpu_seconds: float
    """Processor time."""
    wall_seconds: float
    """Time until the command ended."""
    peak_pss_mb: float
    """Most memory at one time, in MB; what processes share is counted once."""
    processes: int
    """Most processes at one time."""


def run_measured(
    command: Sequence[str], seconds: float, *, env: dict[str, str] | None = None, log: Path | None = None
) -> Usage:
    """Run a command for at most so many seconds, and return its costs; ``log`` takes what it prints.

    Every process that it leaves behind is killed. Raises TimeoutExpired where it takes too long.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before, started = children_seconds(), time.monotonic()
    with open_log(log) as output:
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        memory = _Memory(process.pid)
        try:
            code = process.wait(seconds)
        finally:
            wall = time.monotonic() - started
            memory.stop()
            _end_all()
    cpu = children_seconds() - before
    return Usage(code, round(cpu, 2), round(wall, 2), round(memory.peak / 1024, 1), memory.processes)


@contextmanager
def open_log(path: Path | None) -> Iterator[int]:
    """Open a file descriptor for output that is kept in a file, or not at all."""
    fd = os.open(path or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        yield fd
    finally:
        os.close(fd)


def children() -> dict[int, list[int]]:
    """Return the processes of this machine by that of their parents."""
    found: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
            if fields[0] != "Z":
                found.setdefault(int(fields[1]), []).append(int(path.parent.name))
    return found


def descendants(parent: int) -> list[int]:
    """Return all processes that a process has started, and those that they have started."""
    by_parent = children()
    found: list[int] = []
    waiting = [parent]
    while waiting:
        own = by_parent.get(waiting.pop(), [])
        found += own
        waiting += own
    return found


def kill_all(processes: Iterable[int]) -> None:
    """Kill processes; one that has ended is passed over."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def kill_tree(process: int) -> None:
    """Kill a process with all its descendants."""
    kill_all([process, *descendants(process)])


def pss_kilobytes(process: int) -> int:
    """Return the proportional share of memory of a process; 0 if it has ended."""
    return _share_of("Pss:", process)


def own_kilobytes(process: int) -> int:
    """Return the proportional share of a process without that of files; 0 if it has ended.

    The share of a library grows when another program that has loaded it ends; this one does not.
    """
    return _share_of("Pss_Anon:", process)


def _share_of(field: str, process: int) -> int:
    with suppress(OSError, IndexError, ValueError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1])
    return 0


class _Memory:
    """The most memory of this process's descendants, which a thread looks at every second."""

    def __init__(self, process: int) -> None:
        self.peak, self.processes = 0, 0
        self._process, self._end = process, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(EVERY):
            found = descendants(os.getpid())
            self.peak = max(self.peak, sum(map(pss_kilobytes, found)))
            self.processes = max(self.processes, len(found))


def _end_all() -> None:
    """Kill all descendants and wait for them, so that their time is counted."""
    while True:
        kill_all(descendants(os.getpid()))
        try:
            os.wait()
        except ChildProcessError:
            return


def children_seconds() -> float:
    """Return the processor time of the processes that this one has started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
