"""Command lines of ``edgener-export``: settings of a recipe, and a process that is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def with_settings(settings: Mapping[str, object]) -> list[str]:
    """The arguments that change a recipe so."""
    return [argument for key, value in settings.items() for argument in ("--set", f"{key}={value}")]


def run_until_killed(command: Sequence[str], *written: Path) -> None:
    """``edgener-export`` in a process of its own, which is killed once all these files are there."""
    with subprocess.Popen([sys.executable, "-m", "edgener_export", *command]) as process:
        try:
            while not all(path.exists() for path in written):
                assert process.poll() is None
                time.sleep(0.002)
        finally:
            process.kill()
