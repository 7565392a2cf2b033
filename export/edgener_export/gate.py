"""What a model must reach to be packed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgener.bundle import Quality
from edgener_export.errors import GateError
from edgener_export.recipe import GateSettings
from edgener_export.report import GateCheck


def check_gate(gate: GateSettings, before: Quality, after: Quality, size: int) -> tuple[GateCheck, ...]:
    """Compare the scores of the fp32 and the int8 graph, and the bytes of the bundle, with what the recipe asks for."""
    return check_figures(gate, after.f1, round(before.f1 - after.f1, 2), size)


def check_figures(gate: GateSettings, f1: float, loss: float, size: int) -> tuple[GateCheck, ...]:
    """Likewise, with the F1 of the int8 graph and how much of it quantization costs."""
    megabytes = size / 1e6
    return (
        GateCheck(
            "F1 of int8",
            f"{f1:.2f}",
            f"at least {gate.f1:.2f}",
            f"F1 {f1:.2f} is below {gate.f1:.2f}" if f1 < gate.f1 else "",
        ),
        GateCheck(
            "F1 lost by quantization",
            f"{loss:.2f} points",
            f"at most {gate.loss:.2f}",
            f"quantization costs {loss:.2f} points of F1, more than {gate.loss:.2f}" if loss > gate.loss else "",
        ),
        GateCheck(
            "size of the bundle",
            f"{megabytes:.1f} MB",
            f"at most {gate.megabytes:.1f}",
            f"{megabytes:.1f} MB are more than {gate.megabytes:.1f}" if megabytes > gate.megabytes else "",
        ),
    )


def pass_gate(checks: Sequence[GateCheck], report: Path) -> None:
    """Raise GateError, which says what is wrong and where to read on, unless every check is met."""
    failures = [check.failure for check in checks if check.failure]
    if failures:
        raise GateError(f"not packed: {'; '.join(failures)}; {report} shows where it is lost")
