"""The gate: what a model has to reach on the test sentences to be packed.

A test set cannot tell differences of less than one of its entities, so a model fails only where it misses a figure by
at least one entity.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgener.bundle import Quality
from edgener_export.errors import GateError
from edgener_export.recipe.settings import GateSettings
from edgener_export.report.record import GateCheck


def check_gate(
    gate: GateSettings, before: Quality, after: Quality, entities: int, size: int, fp16: Quality | None = None
) -> tuple[GateCheck, ...]:
    """Compare what was measured with what the recipe asks for.

    ``before`` is the score of the fp32 graph, ``after`` that of the int8 one, on test sentences with this many
    ``entities``; ``size`` is the number of bytes that a CPU needs of the bundle; ``fp16`` is the score of the graph
    for GPUs, where there is one.
    """
    checks = check_figures(gate, after.f1, round(before.f1 - after.f1, 2), entities, size)
    if fp16:
        loss = round(before.f1 - fp16.f1, 2)
        checks += (
            _check_f1(gate, "fp16", fp16.f1, entities),
            _check_loss(gate, "F1 lost in fp16", "fp16", loss, entities),
        )
    return checks


def check_figures(gate: GateSettings, f1: float, loss: float, entities: int, size: int) -> tuple[GateCheck, ...]:
    """Compare the F1 of the int8 graph, the points of F1 that quantization costs, and the size with the gate."""
    megabytes = size / 1e6
    return (
        _check_f1(gate, "int8", f1, entities),
        _check_loss(gate, "F1 lost by quantization", "quantization", loss, entities),
        GateCheck(
            "size of the bundle",
            f"{megabytes:.1f} MB",
            f"at most {gate.megabytes:.1f}",
            f"{megabytes:.1f} MB are more than {gate.megabytes:.1f}" if megabytes > gate.megabytes else "",
        ),
    )


def _check_f1(gate: GateSettings, graph: str, f1: float, entities: int) -> GateCheck:
    missing = round(gate.f1 - f1, 2)
    return GateCheck(
        f"F1 of {graph}",
        f"{f1:.2f}{_tolerated(missing, entities) if f1 else ''}",
        f"at least {gate.f1:.2f}",
        _f1_failure(gate, graph, f1, entities),
    )


def _f1_failure(gate: GateSettings, graph: str, f1: float, entities: int) -> str:
    """Return what is wrong with an F1; 0 is too low, however few entities there are."""
    if gate.f1 > 0 and not f1:
        return f"{graph} finds none of {entities} entities"
    missing = round(gate.f1 - f1, 2)
    if not _fails(missing, entities):
        return ""
    return f"F1 {f1:.2f} of {graph} is below {gate.f1:.2f} by {_in_entities(missing, entities)}"


def _check_loss(gate: GateSettings, name: str, cause: str, loss: float, entities: int) -> GateCheck:
    excess = round(loss - gate.loss, 2)
    difference = _in_entities(excess, entities)
    failure = f"{cause} costs {loss:.2f} points of F1, more than {gate.loss:.2f} by {difference}"
    return GateCheck(
        name,
        f"{loss:.2f} points{_tolerated(excess, entities)}",
        f"at most {gate.loss:.2f}",
        failure if _fails(excess, entities) else "",
    )


def _fails(points: float, entities: int) -> bool:
    """Tell whether a figure is missed by these points of F1, which have two decimals, and by at least one entity."""
    is_whole_entity = round(100 * points) * entities >= 100 * 100
    return points > 0 and (is_whole_entity or not entities)


def _tolerated(points: float, entities: int) -> str:
    """A remark on a figure that is missed by less than a test set of this size can tell."""
    is_tolerated = points > 0 and not _fails(points, entities)
    return f" (missed by less than one of {entities} entities, which does not count)" if is_tolerated else ""


def _in_entities(points: float, entities: int) -> str:
    return f"{points * entities / 100:.1f} of {entities} entities"


def pass_gate(checks: Sequence[GateCheck], report: Path) -> None:
    """Raise GateError, which says what is wrong and where to read on, unless every check is met."""
    failures = [check.failure for check in checks if check.failure]
    if failures:
        raise GateError(f"not packed: {'; '.join(failures)}; {report} shows where it is lost")
