"""Training curves from what the stages of a run left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgener_export.report.record import TrainingPoint, TrainingStage
from edgener_export.training.metrics import METRICS, read_metrics


def read_training(run: Path) -> tuple[TrainingStage, ...]:
    """A stage for every directory of a run with a metrics.jsonl, in the order in which they began.

    Of steps that were repeated after a kill the last line counts. What lies deeper belongs to the learning curve, whose
    trainings are runs within the run.
    """
    stages = []
    for path in sorted([*run.glob(METRICS), *run.glob(f"*/{METRICS}")]):
        lines = list(read_metrics(path))
        points = {line["step"]: _point(line) for line in lines}
        if points:
            stage = TrainingStage(
                path.parent.relative_to(run).as_posix(), tuple(points[step] for step in sorted(points))
            )
            stages.append((lines[0].get("time", 0), stage))
    return tuple(stage for _, stage in sorted(stages, key=lambda timed: timed[0]))


def _point(line: dict[str, Any]) -> TrainingPoint:
    return TrainingPoint(line["step"], line.get("loss"), line.get("dev_f1"))
