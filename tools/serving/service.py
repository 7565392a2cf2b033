"""A service in a process of its own, and what it uses of the machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
END_SECONDS = 60
"""Longest time that a service may take to end."""


class Service:
    """A service that runs, and answers at ``host`` and ``port``."""

    def __init__(self, process: subprocess.Popen[str], ready_seconds: float, host: str, port: int) -> None:
        self.process, self.ready_seconds, self.host, self.port = process, ready_seconds, host, port

    def cpu_seconds(self) -> float:
        """Return the processor time that the service has taken since it was started."""
        return _cpu_seconds(Path(f"/proc/{self.process.pid}/stat"))

    def http_seconds(self) -> float:
        """Return the processor time of the thread that speaks HTTP: all but the workers' part of ``cpu_seconds``."""
        pid = self.process.pid
        return _cpu_seconds(Path(f"/proc/{pid}/task/{pid}/stat"))

    def memory_mb(self) -> float:
        """Return the memory that the service holds now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024

    def metric(self, name: str) -> float:
        """Return the sum of the samples of a metric, whatever their labels are."""
        with urllib.request.urlopen(f"http://{self.host}:{self.port}/metrics", timeout=END_SECONDS) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if re.match(rf"{name}[ {{]", line))

    def switch(self) -> None:
        """Let the service load its model again, and wait until it has."""
        before = self.metric("edgener_model_switches_total")
        self.process.send_signal(signal.SIGHUP)
        while self.metric("edgener_model_switches_total") == before:
            time.sleep(0.05)


@contextmanager
def running(*options: str, model: Path | None = None) -> Iterator[Service]:
    """Start ``edgener serve --http`` with ``options``, provide it, and end it."""
    command = [sys.executable, "-m", "edgener", "serve", "--http", "127.0.0.1:0", *options]
    if model:
        command += ["--model", str(model)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "runtime")}
    began = time.monotonic()
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            line = process.stderr.readline()
            ready_seconds = time.monotonic() - began
            found = re.search(r"http://([\d.]+):(\d+)", line)
            if not found:
                raise RuntimeError(f"the service did not start: {line}{process.stderr.read()}")
            threading.Thread(target=_pass_on, args=(process,), daemon=True).start()
            yield Service(process, ready_seconds, found[1], int(found[2]))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(END_SECONDS)


def _cpu_seconds(stat: Path) -> float:
    fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _pass_on(process: subprocess.Popen[str]) -> None:
    assert process.stderr
    for line in process.stderr:
        print(line, end="", file=sys.stderr)
