"""The command line and the report that the jobs of all engines share."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path


def read_options(description: str | None) -> argparse.Namespace:
    """Return the options of a job: ``corpus``, ``results``, ``model``, ``report`` and ``kill``."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("results", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--kill", action="store_true")
    return parser.parse_args()


def write_report(path: Path, killed: Sequence[int], total: int, nodes_left: int) -> None:
    """Write how far a job was when a node was killed, if one was, how far it came, and how many nodes are left."""
    found = {"done_at_the_kill": killed[0] if killed else None, "total": total, "nodes_left": nodes_left}
    path.write_text(json.dumps(found), encoding="utf-8")
