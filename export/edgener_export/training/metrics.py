"""The records of a training: its curve, one JSON object a line with the step of each, and the figures at its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

METRICS = "metrics.jsonl"
"""Name of the file, in the directory of a training."""

FINAL_METRICS = "final-metrics.json"
"""Name of the file beside it with the figures of the weights that were kept, measured on all development examples."""


def read_metrics(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records with a step; a line that a crash tore apart is none."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and "step" in record:
            yield record


def read_final_metrics(directory: Path) -> dict[str, float]:
    """Return the figures at the end of a training; none of one that is not finished, or of an earlier version."""
    path = directory / FINAL_METRICS
    figures: dict[str, float] = json.loads(path.read_bytes()) if path.exists() else {}
    return figures
