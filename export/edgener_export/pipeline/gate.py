"""What a model must reach to be packed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgener.bundle import Quality
from edgener_export.errors import GateError
from edgener_export.recipe.settings import GateSettings
from edgener_export.report.record import GateCheck


def check_gate(
    gate: GateSettings, before: Quality, after: Quality, size: int, fp16: Quality | None = None
) -> tuple[GateCheck, ...]:
    """Compare what was measured with what the recipe asks for.

    ``before`` is the score of the fp32 graph, ``after`` that of the int8 one, ``size`` the bytes that a CPU needs of
    the bundle; ``fp16`` is the score of the graph for GPUs, where there is one.
    """
    checks = check_figures(gate, after.f1, round(before.f1 - after.f1, 2), size)
    if fp16:
        checks += _check_score(gate, "fp16", fp16.f1, "F1 lost in fp16", "fp16", round(before.f1 - fp16.f1, 2))
    return checks


def check_figures(gate: GateSettings, f1: float, loss: float, size: int) -> tuple[GateCheck, ...]:
    """Likewise, with the F1 of the int8 graph and how much of it quantization costs."""
    megabytes = size / 1e6
    return (
        *_check_score(gate, "int8", f1, "F1 lost by quantization", "quantization", loss),
        GateCheck(
            "size of the bundle",
            f"{megabytes:.1f} MB",
            f"at most {gate.megabytes:.1f}",
            f"{megabytes:.1f} MB are more than {gate.megabytes:.1f}" if megabytes > gate.megabytes else "",
        ),
    )


def _check_score(
    gate: GateSettings, graph: str, f1: float, name_of_loss: str, cause: str, loss: float
) -> tuple[GateCheck, ...]:
    return (
        GateCheck(
            f"F1 of {graph}",
            f"{f1:.2f}",
            f"at least {gate.f1:.2f}",
            f"F1 {f1:.2f} of {graph} is below {gate.f1:.2f}" if f1 < gate.f1 else "",
        ),
        GateCheck(
            name_of_loss,
            f"{loss:.2f} points",
            f"at most {gate.loss:.2f}",
            f"{cause} costs {loss:.2f} points of F1, more than {gate.loss:.2f}" if loss > gate.loss else "",
        ),
    )


def pass_gate(checks: Sequence[GateCheck], report: Path) -> None:
    """Raise GateError, which says what is wrong and where to read on, unless every check is met."""
    failures = [check.failure for check in checks if check.failure]
    if failures:
        raise GateError(f"not packed: {'; '.join(failures)}; {report} shows where it is lost")
