"""The option of the commands that recognize much text at once, and the number of threads that it stands for."""

from __future__ import annotations

import argparse
import os


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--threads``; ``threads_of`` gives its value."""
    parser.add_argument("--threads", type=int, metavar="N", help="processor cores to compute on; default: all")


def threads_of(given: int | None) -> int:
    """Return the number of threads that the user gave, else that of the processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if given is None else given
