"""The processor time, memory and files of a process, under the names that Prometheus' own clients give them."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path

from edgener.serve.instruments import Registry

STAT = Path("/proc/self/stat")
START_TICKS, VIRTUAL_BYTES, RESIDENT_PAGES = 18, 19, 20
"""Places of numbers in that file, after the program's name and the letter of its state (proc(5))."""


class ProcessNumbers:
    """The numbers of this process."""

    def __init__(self, registry: Registry) -> None:
        gauge = registry.gauge
        self._cpu = registry.counter("process_cpu_seconds_total", "Processor time of the process, in seconds.")
        self._virtual = gauge("process_virtual_memory_bytes", "Address space of the process.")
        self._resident = gauge("process_resident_memory_bytes", "Memory of the process.")
        started = gauge("process_start_time_seconds", "Time at which the process began, in seconds since 1970.")
        self._open = gauge("process_open_fds", "Open file descriptors of the process.")
        self._most_open = gauge("process_max_fds", "Most file descriptors that the process may open.")
        with suppress(OSError, StopIteration):
            started.set(_boot_time() + _fields()[START_TICKS] / os.sysconf("SC_CLK_TCK"))

    def update(self) -> None:
        """Read the present numbers; those that the system does not tell, or has no descriptor left for, stay."""
        times = os.times()
        self._cpu.rise_to(times.user + times.system)
        self._most_open.set(float(resource.getrlimit(resource.RLIMIT_NOFILE)[0]))
        with suppress(OSError):
            fields = _fields()
            self._virtual.set(fields[VIRTUAL_BYTES])
            self._resident.set(fields[RESIDENT_PAGES] * resource.getpagesize())
            self._open.set(sum(1 for _ in Path("/proc/self/fd").iterdir()))


def _fields() -> list[float]:
    return [float(field) for field in STAT.read_bytes().rpartition(b") ")[2].split()[1:]]


def _boot_time() -> float:
    lines = Path("/proc/stat").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("btime"))
