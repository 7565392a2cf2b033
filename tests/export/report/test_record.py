"""A build leaves a report that agrees with its bundle, also where the gate fails."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from edgener.bundle import load_bundle
from edgener.dataclass_json import from_plain
from edgener_export.cli.main import main
from edgener_export.errors import GateError
from edgener_export.recipe.read import read_recipe
from edgener_export.recipe.settings import Recipe
from edgener_export.report.record import Report, read_report
from tests.support import run_python

ENTITIES = {"LOC": 140, "ORG": 82, "PER": 197}
"""Entities of each type in the test sentences."""


def test_figures_are_those_of_the_manifest(tiny_run: Path) -> None:
    report, manifest = read_report(tiny_run), load_bundle(tiny_run / "bundle").manifest
    assert (report.data, report.sentences) == ("test.jsonl test", 120)
    for figures, quality in zip((report.fp32, report.int8), manifest.quality, strict=True):
        measured = (quality.graph, quality.precision, quality.recall, quality.f1)
        assert (figures.name, figures.precision, figures.recall, figures.f1) == measured
        assert {label: score.expected for label, score in figures.by_type.items()} == ENTITIES
    assert report.int8.bytes == sum(path.stat().st_size for path in (tiny_run / "bundle").iterdir())
    assert report.fp32.bytes > 2 * report.int8.bytes
    assert report.lineage == manifest.lineage
    assert report.teacher is None


def test_counts_agree_with_each_other(tiny_run: Path) -> None:
    report = read_report(tiny_run)
    sums = {row.expected: sum(row.found.values()) + row.other_ends + row.missed for row in report.confusion}
    assert {label: sums[label] for label in ENTITIES} == ENTITIES
    right = sum(row.found[row.expected] for row in report.confusion if row.expected)
    assert round(100 * right / sum(ENTITIES.values()), 2) == report.int8.recall
    assert report.changes.lost == len(report.changes.examples)
    assert report.integer_products == report.products == sum(error.weights for error in report.product_errors)


def test_the_training_curve_is_in_it(tiny_run: Path) -> None:
    (stage,) = read_report(tiny_run).training
    assert stage.name == "finetune"
    assert [point.step for point in stage.points] == [129, 258, 387, 516]


def test_the_recipe_is_in_it(build_tiny: list[str], tiny_run: Path) -> None:
    recipe = from_plain(Recipe, tomllib.loads(read_report(tiny_run).recipe))
    assert recipe.model == read_recipe(Path(build_tiny[1]), build_tiny[3:]).model


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, which a test may build again."""
    return shutil.copytree(tiny_run, tmp_path / "run")


def test_a_failing_gate_says_where_the_report_lies(
    build_tiny: list[str], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = run / "report.html"
    page.unlink()
    overrides = ["--set", "gate.f1=101", "--set", "quantize.exclude=['classifier']"]
    assert main([*build_tiny, *overrides, "--run", str(run)]) == GateError.exit_code
    assert f"{page} shows where it is lost" in capsys.readouterr().err
    assert "is below 101.00" in page.read_text(encoding="utf-8")
    report = read_report(run)
    assert [check.name for check in report.gate if check.failure] == ["F1 of int8"]
    assert report.integer_products == report.products - 64 * 13


def test_the_same_run_gives_the_same_report_but_for_its_speed(build_tiny: list[str], run: Path) -> None:
    before = _without_speed(read_report(run))
    assert main([*build_tiny, "--run", str(run)]) == 0
    assert _without_speed(read_report(run)) == before


def test_rendering_needs_no_model(tiny_run: Path) -> None:
    code = """
import sys
from edgener_export.cli.main import main
code = main(["report", sys.argv[1]])
assert not {"torch", "onnxruntime", "onnx", "transformers"} & set(sys.modules)
sys.exit(code)
"""
    finished = run_python(code, str(tiny_run))
    assert finished.code == 0, finished.errors


def _without_speed(report: Report) -> Report:
    """Return the report without its speeds and its gate, of which other tests on the same run ask other things."""
    fp32, int8 = (
        replace(figures, characters_per_second=0.0, milliseconds=0.0) for figures in (report.fp32, report.int8)
    )
    return replace(report, fp32=fp32, int8=int8, gate=(), recipe="")
