"""The records of a training: one JSON object a line, each with the step that it was measured at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

METRICS = "metrics.jsonl"
"""Name of the file, in the directory of a training."""


def read_metrics(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records with a step; a line that a crash tore apart is none."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and "step" in record:
            yield record
