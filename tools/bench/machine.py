"""The machine and the tree that a run was made with."""

from __future__ import annotations

import datetime
import os
import subprocess
from dataclasses import replace

from edgener.environment import read_environment
from tools.bench.contenders import ROOT
from tools.bench.results import Machine


def describe_machine(load_average_before: float) -> Machine:
    """Describe the machine at the end of a run."""
    return Machine(
        environment=replace(read_environment(), default_bundle=""),
        load_average_before=load_average_before,
        load_average_after=load_average(),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        revision=_revision(),
    )


def load_average() -> float:
    """Processes that wanted to run, over the last minute."""
    return os.getloadavg()[0]


def _revision() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return finished.stdout.strip() or "unknown"
