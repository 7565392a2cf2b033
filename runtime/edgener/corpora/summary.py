"""The summary of a run, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgener.corpora.annotate import Counts, total
from edgener.corpora.inputs import Inputs
from edgener.corpora.progress import duration
from edgener.corpora.run import Outcome
from edgener.table import table


@dataclass(frozen=True)
class Summary:
    """The numbers of a job after a run."""

    inputs: Inputs
    """Files of the job."""
    done: Counts
    """Numbers of everything that is done, in this run or before."""
    outcome: Outcome
    """Result of this run."""

    def to_plain(self) -> dict[str, Any]:
        """Return the summary as JSON has it."""
        run = total(self.outcome.counts)
        return {
            "files": len(self.inputs.files),
            **asdict(self.done),
            "set_aside": [asdict(part) for part in self.outcome.set_aside],
            "damaged": [asdict(file) for file in self.outcome.damaged],
            "left_out": list(self.inputs.left_out),
            "this_run": {
                "texts": run.texts,
                "code_points": run.code_points,
                "seconds": round(self.outcome.seconds, 3),
                "texts_per_second": round(run.texts / self.outcome.seconds, 1) if run.texts else 0.0,
            },
        }

    def to_text(self) -> str:
        """Return the summary as lines for people."""
        run = total(self.outcome.counts)
        rows: list[tuple[str, str]] = [
            ("files", f"{len(self.inputs.files):,}"),
            ("rows", f"{self.done.rows:,}"),
            ("texts", f"{self.done.texts:,} ({self.done.code_points:,} characters)"),
            ("rows with an error", f"{self.done.errors:,}"),
            *((f"entities {label}", f"{number:,}") for label, number in self.done.entities.items()),
        ]
        if self.outcome.counts or self.outcome.set_aside or self.outcome.damaged:
            rate = run.texts / self.outcome.seconds
            rows.append(("this run", f"{run.texts:,} texts in {duration(self.outcome.seconds)}, {rate:,.0f} a second"))
        else:
            rows.append(("this run", "nothing was left to do"))
        rows += [("left out", name) for name in shortened(self.inputs.left_out)]
        return table(rows)

    @property
    def trouble(self) -> str:
        """One line that names everything that could not be done; empty if all is done."""
        parts = [
            f"{part.file}: rows {part.first_row} to {part.first_row + part.rows - 1} are set aside: {part.reason}"
            for part in self.outcome.set_aside
        ]
        return "; ".join(shortened([*parts, *(file.reason for file in self.outcome.damaged)]))


def shortened(lines: Sequence[str], most: int = 10) -> list[str]:
    """Return at most so many lines, the last of which says how many there are in addition."""
    return [*lines[:most], *([f"and {len(lines) - most} more"] if len(lines) > most else [])]
