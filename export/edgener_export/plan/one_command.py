"""The whole of ``edgener-export train``: the build of a recipe, its learning curve, and the report of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgener.bundle import Quality
from edgener_export.corpus.rule_conflicts import RuleConflict
from edgener_export.corpus.sentence import labels_of
from edgener_export.errors import GateError
from edgener_export.pipeline.build import Pipeline
from edgener_export.pipeline.run_lock import locked
from edgener_export.plan.before import base_f1
from edgener_export.plan.kept import agreement
from edgener_export.plan.preparation import Request, Types, part_of, rules_left_out, write_files
from edgener_export.plan.split import LEAST_SENTENCES, Split
from edgener_export.recipe import read_recipe
from edgener_export.report.record import RECORD, CurvePoint, Report, TypeScore, read_report
from edgener_export.report.render import PAGE, render_report
from edgener_export.report.training_curves import read_training
from edgener_export.training.hardware import hardware
from edgener_export.training.metrics import read_final_metrics

SHARES = (0.25, 0.5)
"""The parts of the training sentences, besides all of them, that the learning curve is measured with."""
LEAST_PART = LEAST_SENTENCES // 2
"""The fewest sentences of such a part."""
PART = "learning-curve-"
"""The beginning of the names of the directories, within that of the run, in which such parts are learned."""

Log = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """A model that was trained and packed."""

    recipe: Path
    """The recipe that it was made by."""
    scores: tuple[Quality, ...]
    """The scores of its graphs on the held-out sentences, fp32 first; none in a process that only helped."""
    report: Path
    """The page of the report."""
    curve: tuple[CurvePoint, ...]
    """The learning curve, from few sentences to all; only the last point where none was asked for."""
    before: float | None = None
    """F1 of the base model as it is on the held-out sentences, in percent; None where it does not know all types."""


@dataclass(frozen=True)
class OneCommand:
    """A training as ``edgener-export train`` carries it out."""

    request: Request
    types: Types
    split: Split
    conflicts: Sequence[RuleConflict]
    """The span rules of the base model that the labels contradict."""
    run: Path
    """The directory of the recipe and of intermediate results."""
    cache: Path
    """The directory of downloads."""
    log: Log

    def build(self, output: Path, shares: Sequence[float] = SHARES) -> Outcome:
        """Build the bundle, then train on parts of the sentences for the learning curve, and write the report of both.

        Raises GateError, after the learning curve, where the model is not good enough to be packed.
        """
        with locked(self.run):
            recipe = write_files(self.request, self.types, self.split, self.run, self.conflicts)
            before = base_f1(self.request.base, self.types, self.split)
            if before is not None:
                self.log(f"before: {self.request.base.name} as it is has F1 {before:.2f} on the held-out sentences")
            failure = None
            scores: tuple[Quality, ...] = ()
            try:
                scores = Pipeline(read_recipe(recipe), self.run, self.cache, self.log).build(output)
            except GateError as error:
                if not (self.run / RECORD).exists():
                    raise
                failure = error
            curve = (*self._parts(shares), CurvePoint(len(self.split.train), last_f1(self.run)))
            if hardware().is_main:
                self._complete_report(curve, output if not failure else None)
        if failure:
            raise failure
        return Outcome(recipe, scores, self.run / PAGE, curve, before)

    def _parts(self, shares: Sequence[float]) -> Iterator[CurvePoint]:
        """Train on parts of the sentences, and yield their points of the curve."""
        for share in shares:
            part = part_of(self.split, share)
            if len(part.train) < LEAST_PART or labels_of(part.train) != labels_of(self.split.train):
                self.log(f"learning curve: {len(part.train)} sentences are too few for a point, which is left out")
                continue
            self.log(f"learning curve: {len(part.train)} of {len(self.split.train)} sentences")
            directory = self.run / f"{PART}{round(100 * share)}"
            with locked(directory):
                conflicts = rules_left_out(self.request.base, part)
                recipe = write_files(self.request, self.types, part, directory, conflicts)
                Pipeline(read_recipe(recipe), directory, self.cache, self.log).train()
                yield CurvePoint(len(part.train), last_f1(directory))

    def _complete_report(self, curve: tuple[CurvePoint, ...], output: Path | None) -> None:
        """Add the learning curve to the report of the build, and what became of the old types."""
        report: Report = replace(read_report(self.run), learning_curve=curve)
        if output and self.types.kept and self.request.base.directory:
            report = replace(report, kept=self._agreement(self.request.base.directory, output))
        report.write(self.run)
        render_report(self.run)

    def _agreement(self, base: Path, output: Path) -> dict[str, TypeScore]:
        kept = agreement(base, output, self.split.held_out, self.types.kept, self.types.of_base)
        for label, score in kept.items():
            self.log(
                f"kept: {label}: F1 {score.f1:.2f} where what {self.request.base.name} finds in the held-out sentences "
                f"counts as right ({score.expected} entities)"
            )
        return kept


def last_f1(run: Path) -> float:
    """Return the F1 of the weights with which the last training of a run ended, in percent.

    It is that on all held-out sentences. A training of an earlier version has left only its last score on some of them.
    """
    stages = read_training(run)
    final = read_final_metrics(run / stages[-1].name).get("dev_f1") if stages else None
    if final is not None:
        return final
    scores = [point.dev_f1 for stage in stages for point in stage.points if point.dev_f1 is not None]
    return scores[-1] if scores else 0.0
