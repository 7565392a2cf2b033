"""The processor time, memory and files of a process, under the names that Prometheus' own clients give them."""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from pathlib import Path

from edgener.process_stat import RESIDENT_PAGES, VIRTUAL_BYTES, process_age, stat_fields
from edgener.serve.instruments import Registry


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
        with suppress(OSError):
            started.set(time.time() - process_age())

    def update(self) -> None:
        """Read the present numbers; those that the system does not tell, or has no descriptor left for, stay."""
        times = os.times()
        self._cpu.rise_to(times.user + times.system)
        self._most_open.set(float(resource.getrlimit(resource.RLIMIT_NOFILE)[0]))
        with suppress(OSError):
            fields = stat_fields()
            self._virtual.set(float(fields[VIRTUAL_BYTES]))
            self._resident.set(float(fields[RESIDENT_PAGES]) * resource.getpagesize())
            self._open.set(sum(1 for _ in Path("/proc/self/fd").iterdir()))
