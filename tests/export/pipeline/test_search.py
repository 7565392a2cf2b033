"""The search tries its grid on a trained model, keeps what it found, and names a build that passes."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgener.bundle import load_bundle
from edgener.normalization import normalization_of
from edgener_export.cli.main import main
from edgener_export.errors import CheckpointError, GateError
from edgener_export.graph.sensitivity import sensitivities
from edgener_export.pipeline.fingerprint import ORIGIN
from edgener_export.pipeline.search import GridPoint, Trial, candidates, recommended
from edgener_export.recipe.settings import GateSettings, QuantizeSettings
from tests.export.outlier import export_with_outlier
from tests.support import change_manifest

GRID = 22
"""Two kinds of exceptions times six static and five dynamic graphs: one without smoothing needs no calibration."""
TRIAL = Trial(GridPoint("all", QuantizeSettings()), 100, 0.0, 1000, 95.0, 0.1, 7, 7, "")


def with_model_of(run: Path, target: Path) -> Path:
    """A run with nothing but the trained model of another one."""
    shutil.copytree(run / "model", target / "model")
    shutil.copyfile(run / "tokenizer.json", target / "tokenizer.json")
    return target


def search(build: list[str], run: Path, *arguments: str) -> int:
    return main(["search", *build[1:], "--run", str(run), *arguments])


@pytest.fixture(scope="module")
def searched(tiny_run: Path, build_tiny: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """search.json of the whole grid."""
    run = with_model_of(tiny_run, tmp_path_factory.mktemp("search"))
    assert search(build_tiny, run) == 0
    return run / "search.json"


def test_the_whole_grid_is_measured(searched: Path) -> None:
    findings = json.loads(searched.read_text(encoding="utf-8"))
    trials = findings["trials"]
    assert len(trials) == GRID
    assert len(findings["sensitivity"]) == 7
    worst = next(iter(findings["sensitivity"]))
    for trial in trials:
        excluded = trial["candidate"]["quantize"]["exclude"]
        assert excluded in ([], [worst])
        assert trial["products"] == 7
        assert trial["in_integers"] == 7 - len(excluded)
        assert trial["loss"] == round(findings["fp32_f1"] - trial["f1"], 2)
    assert not (searched.parent / "search").exists()


def test_what_is_recommended_can_be_built(
    searched: Path, build_tiny: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = searched.read_bytes()
    assert search(build_tiny, searched.parent) == 0
    assert searched.read_bytes() == before
    printed = capsys.readouterr()
    assert "search:" not in printed.err
    title, head, *rows, says, command = printed.out.splitlines()
    assert title.startswith("fp32: F1 ")
    assert head.split()[:3] == ["vocabulary", "entries", "unknown"]
    assert len(rows) == GRID
    assert says == "the smallest that passes:"
    program, *arguments = shlex.split(command)
    assert program == "edgener-export"
    assert main(arguments) == 0
    size = sum(path.stat().st_size for path in (searched.parent / "bundle").iterdir())
    smallest = min(trial["size"] for trial in json.loads(before)["trials"])
    assert size < 1.02 * smallest


def test_a_search_goes_on_where_it_stopped(
    searched: Path, build_tiny: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = searched.read_bytes()
    findings = json.loads(before)
    del findings["trials"][-1]
    searched.write_text(json.dumps(findings), encoding="utf-8")
    assert search(build_tiny, searched.parent) == 0
    assert sum(line.startswith("search:") for line in capsys.readouterr().err.splitlines()) == 1
    assert searched.read_bytes() == before


def test_nothing_passes(searched: Path, build_tiny: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert search(build_tiny, searched.parent, "--set", "gate.f1=100.1") == GateError.exit_code
    printed = capsys.readouterr()
    assert f"none of {GRID} passes" in printed.err
    assert printed.out.count("fails") == GRID


def test_the_first_that_passes_is_the_smallest_and_ends_the_search(
    searched: Path, build_tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = with_model_of(searched.parent, tmp_path / "run")
    (run / "search.json").write_text(json.dumps({**json.loads(searched.read_bytes()), "model": "of another"}))
    text = tmp_path / "text.txt"
    text.write_text("王李张伟芳娜市县省", encoding="utf-8")
    arguments = ["--first", "--vocabulary", f"text:{text}", "--set", "gate.f1=0", "--set", "gate.loss=100"]
    assert search(build_tiny, run, *arguments) == 0
    printed = capsys.readouterr()
    assert "is about another model or other sentences" in printed.err
    (trial,) = json.loads((run / "search.json").read_bytes())["trials"]
    assert trial["candidate"]["vocabulary"] == f"text:{text}"
    assert trial["unknown"] > 10
    assert main(shlex.split(printed.out.splitlines()[-1])[1:]) == 0
    assert "of the test characters become [UNK]" in capsys.readouterr().err
    assert load_bundle(run / "bundle").manifest.vocabulary_size == trial["entries"]
    text.write_text("王李张伟芳娜市县省镇", encoding="utf-8")
    assert search(build_tiny, run, *arguments) == 0
    (again,) = json.loads((run / "search.json").read_bytes())["trials"]
    assert again["entries"] == trial["entries"] + 1
    text.write_text("王李张", encoding="utf-8")
    assert search(build_tiny, run, *arguments[:1], *arguments[3:]) == 0
    trials = json.loads((run / "search.json").read_bytes())["trials"]
    assert f"text:{text}" not in {trial["candidate"]["vocabulary"] for trial in trials}


def test_a_run_without_a_trained_model_is_told(
    build_tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert search(build_tiny, tmp_path) == CheckpointError.exit_code
    assert f"{tmp_path / 'model'}: not found; train it first: edgener-export build" in capsys.readouterr().err


def test_a_run_of_another_recipe_is_not_searched(
    tiny_run: Path, build_tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = with_model_of(tiny_run, tmp_path / "run")
    shutil.copyfile(tiny_run / ORIGIN, run / ORIGIN)
    for setting, name in (("data.limit=50", "data "), ("finetune.seed=2", "finetune.seed (1, now 2)")):
        assert search(build_tiny, run, "--set", setting) == CheckpointError.exit_code
        assert f"{run}: was begun with another {name}" in capsys.readouterr().err


def test_a_model_that_was_trained_elsewhere_is_searched_as_it_is_packed_and_what_is_recommended_can_be_built(
    tiny_run: Path, build_tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, bundle = tmp_path / "run", Path(shutil.copytree(tiny_run / "bundle", tmp_path / "bundle"))
    change_manifest(bundle, normalization=normalization_of(("simplified",), ()))
    passes = ["--set", "gate.f1=0", "--set", "gate.loss=100"]
    assert main([*build_tiny, "--run", str(run), "--trained", str(bundle), *passes]) == 0
    assert search(build_tiny, run, "--first", *passes) == 0
    arguments = shlex.split(capsys.readouterr().out.splitlines()[-1])[1:]
    assert main(arguments) == 0
    assert load_bundle(run / "bundle").manifest.aliases == ("simplified",)
    capsys.readouterr()
    assert search(build_tiny, run, "--first", "--set", 'model.aliases=["dots"]', *passes) == 0
    assert "is about another model" not in capsys.readouterr().err


def test_findings_that_cannot_be_read_are_told(
    tiny_run: Path, build_tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = with_model_of(tiny_run, tmp_path / "run")
    (run / "search.json").write_text("{")
    assert search(build_tiny, run) == CheckpointError.exit_code
    assert "search.json: is not what a search wrote" in capsys.readouterr().err


def test_no_candidate_comes_twice() -> None:
    grid = list(candidates("all", QuantizeSettings(exclude=("classifier",)), [f"/{number}" for number in range(73)]))
    assert len(set(grid)) == len(grid) == GRID
    excluded = {candidate.quantize.exclude for candidate in grid}
    assert excluded == {("classifier",), ("classifier", "/0", "/1", "/2", "/3")}


def test_the_best_of_the_smallest_is_recommended() -> None:
    gate = GateSettings(f1=90, loss=0.5, megabytes=0.01)
    larger, better = replace(TRIAL, size=1020, f1=99.0), replace(TRIAL, size=1005, f1=96.0)
    lossy, weak = replace(TRIAL, size=10, loss=0.6), replace(TRIAL, size=10, f1=89.0)
    heavy = replace(TRIAL, size=10_001)
    assert recommended([TRIAL, larger, better, lossy, weak, heavy], gate) == better
    assert recommended([lossy, weak, heavy], gate) is None


def test_the_product_that_reads_an_outlier_is_the_most_sensitive(tiny_bert: Any, tmp_path: Path) -> None:
    export_with_outlier(tiny_bert, tmp_path / "fp32.onnx")
    rows = [np.random.default_rng(seed).integers(0, 100, 12) for seed in range(8)]
    found = sensitivities(tmp_path / "fp32.onnx", rows, QuantizeSettings(smoothing=0.0))
    assert next(iter(found)).endswith("layer.0/intermediate/dense/MatMul")
    assert [path.name for path in tmp_path.iterdir()] == ["fp32.onnx"]
