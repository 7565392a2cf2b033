"""``edgener-export calibrate``: scores that say how many answers are right, written into a bundle."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.built_in import bundle_directory
from edgener.command_line import Command
from edgener.errors import UsageError
from edgener.standard_streams import log, write
from edgener.table import table
from edgener_export.cli.data import add_reading, read_sets
from edgener_export.cli.threads import add_threads, threads_of

if TYPE_CHECKING:
    from edgener.bundle import Manifest
    from edgener.bundle_rules import BundleRules
    from edgener.score_calibration import Calibration
    from edgener_export.evaluation.answers import Answers
    from edgener_export.evaluation.score_calibration import Measured


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=bundle_directory, metavar="BUNDLE", help="directory of the bundle")
    help_text = "labelled files, or directories of labelled sets (*.jsonl); all sets have the same weight"
    parser.add_argument("data", nargs="+", type=Path, metavar="DATA", help=help_text)
    help_text = (
        "labelled files or directories to measure on; default: half of each set of DATA, by its sentences, which then "
        "chooses nothing"
    )
    parser.add_argument("--held-out", nargs="+", type=Path, default=[], metavar="DATA", help=help_text)
    chosen = parser.add_mutually_exclusive_group()
    help_text = "also write the lowest score of each type from which on this share of answers is right, such as 0.9"
    chosen.add_argument("--precision", type=float, metavar="P", help=help_text)
    help_text = "also write the lowest score of each type that gives the highest F1"
    chosen.add_argument("--best-f1", action="store_true", help=help_text)
    parser.add_argument("--output", type=Path, metavar="DIR", help="bundle to write; default: BUNDLE itself")
    parser.add_argument("--dry-run", action="store_true", help="measure, and write nothing")
    add_reading(parser)
    add_threads(parser)


def _calibrate(options: argparse.Namespace) -> None:
    from edgener.built_in import DEFAULT_BUNDLE
    from edgener.bundle import SIGNATURE, load_bundle
    from edgener_export.evaluation.answers import answers_to, halves, uncalibrated
    from edgener_export.evaluation.score_calibration import OWN, measure
    from edgener_export.pipeline.amend import amend_bundle

    if options.bundle == DEFAULT_BUNDLE and not (options.output or options.dry_run):
        raise UsageError("the built-in bundle is not changed; name a directory with --output, or measure by --dry-run")
    if options.precision is not None and not 0 < options.precision <= 1:
        raise UsageError(f"--precision is {options.precision}; it must be a share above 0, at most 1")
    source: Path = options.bundle
    recognizer = uncalibrated(load_bundle(source), threads_of(options.threads))
    sets = read_sets(options, options.data)
    if options.held_out:
        chosen_on = [answers_to(recognizer, labelled) for labelled in sets]
        measured_on = [answers_to(recognizer, labelled) for labelled in read_sets(options, options.held_out)]
    else:
        both = [[answers_to(recognizer, half) for half in halves(labelled)] for labelled in sets]
        chosen_on, measured_on = [first for first, _ in both], [second for _, second in both]
    measured = measure(chosen_on, measured_on)
    write(_measured_table(measured))
    way = measured.best
    calibration = None if way == OWN else measured.calibration(way)
    scores = _min_scores(options, chosen_on, measured_on, calibration)
    if calibration:
        log(f"chosen: {way}; temperature {calibration.temperature:g}, offset {calibration.offset:g}")
    else:
        log("no way lowers the error over all sets by half a point; the bundle keeps the model's own scores")
    if options.dry_run:
        return
    target = options.output or source

    def changed(manifest: Manifest) -> Manifest:
        rules = _moved_rules(manifest, calibration)
        if scores is not None:
            rules = _rules_with(rules, scores)
        return replace(manifest, calibration=calibration, rules=rules)

    had_signature = (target / SIGNATURE).exists()
    amend_bundle(source, target, changed, keeps_entities=scores is None)
    log(f"{target}: written{'; its signature was removed, sign it again: edgener sign' if had_signature else ''}")


def _moved_rules(manifest: Manifest, calibration: Calibration | None) -> BundleRules | None:
    """Return the rules of a bundle, whose lowest scores keep the same entities with another calibration."""
    from edgener_export.evaluation.min_score import moved_min_score

    rules, before = manifest.rules, manifest.calibration
    if rules is None or rules.min_score is None or _line(before) == _line(calibration):
        return rules
    moved = {label: moved_min_score(score, before, calibration) for label, score in rules.min_score.items()}
    return replace(rules, min_score=moved)


def _line(calibration: Calibration | None) -> tuple[float, float] | None:
    return (calibration.temperature, calibration.offset) if calibration else None


def _rules_with(rules: BundleRules | None, chosen: dict[str, float | None]) -> BundleRules | None:
    """Return rules with the lowest scores that were chosen; a type of which none will do keeps what it had, if any."""
    from edgener.bundle_rules import BundleRules

    rules = rules or BundleRules()
    before = rules.min_score or {}
    found = {label: score for label, score in chosen.items() if score is not None}
    for label in sorted(set(before) & set(chosen)):
        what = f"gets {found[label]:g} instead of" if label in found else "keeps"
        log(f"{label}: {what} its lowest score of {before[label]:g}")
    kept = {label: score for label, score in {**before, **found}.items() if score}
    rules = replace(rules, min_score=kept or None)
    return None if rules == BundleRules() else rules


def _measured_table(measured: Measured) -> str:
    rows = [("expected calibration error, %", "entities", "right, %", *measured.errors)]
    for number, name in enumerate(measured.sets):
        errors = (f"{errors[number]:.1f}" for errors in measured.errors.values())
        rows.append((name, str(measured.entities[number]), f"{measured.right[number]:.1f}", *errors))
    return table(rows)


def _min_scores(
    options: argparse.Namespace,
    chosen_on: Sequence[Answers],
    measured_on: Sequence[Answers],
    calibration: Calibration | None,
) -> dict[str, float | None] | None:
    """Print what lowest scores keep on the held-out sentences, and return them; None where nobody asked for them.

    A type of which no lowest score will do has None.
    """
    from edgener_export.evaluation.min_score import best_f1, lowest_for_precision, min_scores, outcome, why_none

    if options.precision is None and not options.best_f1:
        return None
    choose = best_f1 if options.best_f1 else lowest_for_precision(options.precision)
    chosen_on, measured_on = ([_calibrated(part, calibration) for part in parts] for parts in (chosen_on, measured_on))
    chosen = min_scores(chosen_on, choose)
    head = ("precision", "recall", "F1")
    rows: list[tuple[str, ...]] = [("type", "lowest score", *head, *(f"{name} with it" for name in head))]
    for label, score in chosen.items():
        if score is None:
            log(f"{label}: {why_none(chosen_on, label, options.precision)}; no lowest score is chosen for it")
        figures = (*outcome(measured_on, label, 0.0), *outcome(measured_on, label, score or 0.0))
        rows.append((label, "none" if score is None else f"{score:g}", *(f"{figure:.1f}" for figure in figures)))
    write(table(rows))
    return chosen


def _calibrated(answers: Answers, calibration: Calibration | None) -> Answers:
    import numpy as np

    if calibration is None:
        return answers
    return replace(answers, scores=np.array([calibration.calibrated(float(score)) for score in answers.scores]))


CALIBRATE = Command(
    name="calibrate",
    summary="make a bundle's scores say how many answers are right",
    description=(
        "Choose a temperature and, where it helps, an offset for the scores of a bundle on labelled data of several "
        "kinds of text; print the expected calibration error before and after on sentences that chose neither; and "
        "write both into the bundle, whose entities stay what they are: lowest scores in its rules move with the "
        "scores. With --precision or --best-f1, also choose the lowest score of each type, and write it into the rules "
        "of the bundle."
    ),
    examples="""\
edgener-export calibrate ./my-bundle dev.jsonl              half of its sentences choose, the others measure
edgener-export calibrate ./my-bundle ./labelled-sets --output ./calibrated
edgener-export calibrate ./my-bundle news.jsonl posts.jsonl --held-out novels.jsonl --dry-run
edgener-export calibrate ./my-bundle dev.jsonl --precision 0.9""",
    add_arguments=_add_arguments,
    run=_calibrate,
)
