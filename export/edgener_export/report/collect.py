"""Put together what a run made and measured, as a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray

import edgener
from edgener import Recognizer
from edgener.bundle import Quality, load_bundle
from edgener.environment import read_environment
from edgener.errors import BundleMissingError
from edgener_export.corpus.sampling import evenly_spread
from edgener_export.corpus.sentence import Sentence
from edgener_export.errors import ReportError
from edgener_export.evaluation.recognize import Evaluation, scores_by_label
from edgener_export.recipe.settings import Recipe
from edgener_export.recipe.text import recipe_as_toml
from edgener_export.report.confusion import confuse
from edgener_export.report.lost_and_won import compare
from edgener_export.report.product_errors import count_products, measure_product_errors
from edgener_export.report.record import (
    CurvePoint,
    Fp16Figures,
    GateCheck,
    GraphFigures,
    Report,
    TrainingStage,
    TypeScore,
    read_report,
)
from edgener_export.report.speed import Speed, measure_speeds
from edgener_export.report.training_curves import read_training

LIBRARIES = ("torch", "transformers", "optimum-onnx", "onnx", "onnxruntime", "tokenizers", "numpy")
SPEED_SENTENCES = 40
"""Test sentences that speeds are measured on."""
SPEED_CHARACTERS = 200
"""The most characters that are taken of each of them."""
ERROR_SENTENCES = 8
"""Calibration sentences that the errors of matrix products are measured on."""


@dataclass(frozen=True)
class ScoredGraph:
    """One graph of the run."""

    graph: Path
    """The graph as it was before the last optimization."""
    evaluation: Evaluation
    """The score of the bundle that the graph is in."""


class _Scored(NamedTuple):
    """A bundle with a score on the test sentences."""

    name: str
    bundle: Path
    quality: Quality
    by_type: dict[str, TypeScore]


def collect_report(
    run: Path,
    recipe: Recipe,
    fp32: ScoredGraph,
    int8: ScoredGraph,
    *,
    teacher: Path | None,
    test: Sequence[Sentence],
    calibration: Sequence[NDArray[np.int64]],
    gate: tuple[GateCheck, ...],
    fp16: Fp16Figures | None,
) -> Report:
    """Measure what is left to measure; ``calibration`` holds rows of token ids with their special tokens."""
    before, after = fp32.evaluation, int8.evaluation
    scored = [
        _Scored("fp32", before.bundle, before.quality, _by_type(before)),
        _Scored("int8", after.bundle, after.quality, _by_type(after)),
        *(_scored_teacher(teacher, after.quality) if teacher else ()),
    ]
    speeds = measure_speeds([Recognizer.load(model.bundle) for model in scored], _some_texts(test))
    figures = [_figures(model, speed) for model, speed in zip(scored, speeds, strict=True)]
    graph = onnx.load(fp32.graph)
    rows = evenly_spread(calibration, ERROR_SENTENCES)
    product_errors = measure_product_errors(graph, int8.graph, rows, recipe.quantize)
    training = read_training(run)
    return Report(
        name=recipe.name,
        data=after.quality.data,
        sentences=after.quality.sentences,
        fp32=figures[0],
        int8=figures[1],
        teacher=figures[2] if len(figures) > 2 else None,
        products=count_products(graph.graph),
        integer_products=sum(error.weights for error in product_errors),
        processor=read_environment().processor,
        gate=gate,
        training=training,
        product_errors=product_errors,
        confusion=confuse(after.pairs),
        changes=compare(test, before.pairs, after.pairs),
        recipe=recipe_as_toml(recipe),
        lineage=recipe.sources,
        versions={"edgener": edgener.__version__, **{name: version(name) for name in LIBRARIES}},
        fp16=fp16,
        learning_curve=_learning_curve_before(run, training),
    )


def bundle_bytes(bundle: Path) -> int:
    """Size of all files of a bundle."""
    return sum(path.stat().st_size for path in bundle.iterdir())


def _learning_curve_before(run: Path, training: tuple[TrainingStage, ...]) -> tuple[CurvePoint, ...]:
    """Return the learning curve of the run's last report, if that is about the same training; else no point."""
    try:
        before = read_report(run)
    except ReportError:
        return ()
    return before.learning_curve if before.training == training else ()


def _scored_teacher(teacher: Path, measured: Quality) -> Iterator[_Scored]:
    """The teacher, if it is still there, and has a score on the sentences that this run is scored on."""
    try:
        manifest = load_bundle(teacher).manifest
    except BundleMissingError:
        return
    for quality in manifest.quality:
        if (quality.data, quality.sentences, quality.graph) == (measured.data, measured.sentences, manifest.precision):
            yield _Scored(f"teacher {manifest.name}", teacher, quality, {})
            return


def _figures(model: _Scored, speed: Speed) -> GraphFigures:
    return GraphFigures(
        name=model.name,
        precision=model.quality.precision,
        recall=model.quality.recall,
        f1=model.quality.f1,
        bytes=bundle_bytes(model.bundle),
        characters_per_second=round(speed.characters_per_second, 1),
        milliseconds=round(speed.milliseconds, 3),
        by_type=model.by_type,
    )


def _by_type(evaluation: Evaluation) -> dict[str, TypeScore]:
    return {label: TypeScore.of(score) for label, score in scores_by_label(evaluation.pairs).items()}


def _some_texts(test: Sequence[Sentence]) -> list[str]:
    return [sentence.text[:SPEED_CHARACTERS] for sentence in evenly_spread(test, SPEED_SENTENCES)]
