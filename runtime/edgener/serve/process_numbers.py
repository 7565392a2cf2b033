"""The processor time, memory and files of a process, under the names that Prometheus' own clients give them."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from edgener.serve.instruments import Registry

STAT = Path("/proc/self/stat")
"""Numbers of this process; those after the name of its program begin with the third (proc(5))."""


class ProcessNumbers:
    """The numbers of this process."""

    def __init__(self, registry: Registry) -> None:
        gauge = registry.gauge
        self._cpu = registry.counter("process_cpu_seconds_total", "Processor time of the process, in seconds.")
        self._virtual = gauge("process_virtual_memory_bytes", "Address space of the process.")
        self._resident = gauge("process_resident_memory_bytes", "Memory of the process.")
        self._started = gauge("process_start_time_seconds", "Time at which the process began, in seconds since 1970.")
        self._open = gauge("process_open_fds", "Open file descriptors of the process.")
        self._most_open = gauge("process_max_fds", "Most file descriptors that the process may open.")

    def update(self) -> None:
        """Read the present numbers."""
        times = os.times()
        self._cpu.rise_to(times.user + times.system)
        fields = STAT.read_text().rpartition(")")[2].split()
        self._virtual.set(float(fields[20]))
        self._resident.set(float(fields[21]) * resource.getpagesize())
        self._started.set(_boot_time() + float(fields[19]) / os.sysconf("SC_CLK_TCK"))
        self._open.set(sum(1 for _ in Path("/proc/self/fd").iterdir()))
        self._most_open.set(float(resource.getrlimit(resource.RLIMIT_NOFILE)[0]))


def _boot_time() -> float:
    lines = Path("/proc/stat").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("btime"))
