"""Command lines of ``edgener-export``: settings of a recipe, the training alone, and a process that is killed."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgener_export.cli.build import BUILD
from edgener_export.cli.recipe import cache_of
from edgener_export.pipeline.build import Pipeline
from edgener_export.recipe import read_recipe


def with_settings(settings: Mapping[str, object]) -> list[str]:
    """The arguments that change a recipe so."""
    return [argument for key, value in settings.items() for argument in ("--set", f"{key}={value}")]


def train(command: Sequence[str]) -> None:
    """The training of an ``edgener-export build`` with these arguments, without what is made of the model then."""
    parser = argparse.ArgumentParser()
    BUILD.add_arguments(parser)
    options = parser.parse_args(command[1:])
    Pipeline(read_recipe(options.recipe, options.set), options.run, cache_of(options), print).train()


def run_until_killed(command: Sequence[str], *written: Path) -> None:
    """``edgener-export`` in a process of its own, which is killed once all these files are there."""
    with subprocess.Popen([sys.executable, "-m", "edgener_export", *command]) as process:
        try:
            while not all(path.exists() for path in written):
                assert process.poll() is None
                time.sleep(0.002)
        finally:
            process.kill()
