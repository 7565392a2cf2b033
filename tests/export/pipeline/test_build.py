"""A recipe goes the whole way, ends in the committed kind of bundle, and stops at the gate."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgener import Recognizer
from edgener.bundle import Source, load_bundle
from edgener.bundle_rules import BundleRules
from edgener.errors import UsageError
from edgener.normalization import normalization_of
from edgener.score_calibration import Calibration
from edgener_export.cli.main import main
from edgener_export.errors import CheckpointError, GateError
from edgener_export.report.record import read_report
from tests.export.commands import with_settings
from tests.support import TINY_BUNDLE, change_manifest, labelled_texts, names
from tools.make_tiny_bundle import build_command


def test_the_recipe_ends_in_a_bundle_that_finds_the_names(tiny_run: Path) -> None:
    recognizer = Recognizer.load(tiny_run / "bundle")
    rows = labelled_texts()
    right = sum(names(recognizer(row.text)) == row.names for row in rows)
    assert right >= 0.99 * len(rows)


def test_the_bundle_is_of_the_committed_kind(tiny_run: Path) -> None:
    made, committed = load_bundle(tiny_run / "bundle").manifest, load_bundle(TINY_BUNDLE).manifest
    for field in ("scheme", "tags", "max_tokens", "vocabulary_size", "quantization", "inputs", "outputs", "lineage"):
        assert getattr(made, field) == getattr(committed, field), field
    assert [(quality.graph, quality.sentences) for quality in made.quality] == [("fp32", 120), ("int8", 120)]


def test_stages_are_announced_and_those_that_are_done_are_not_repeated(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*build_tiny, "--run", str(tiny_run), "--bundle", str(tmp_path / "again")]) == 0
    told = capsys.readouterr().err
    assert "is there already" in told
    assert [line for line in told.splitlines() if line.startswith("stage ")] == [
        "stage 1 of 7: train",
        "stage 2 of 7: export to ONNX",
        "stage 3 of 7: quantize to int8",
        "stage 4 of 7: score fp32",
        "stage 5 of 7: score int8",
        "stage 6 of 7: measure and write the report",
        "stage 7 of 7: pack",
    ]
    for path in (tiny_run / "bundle").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_the_model_of_a_bundle_is_packed_anew_without_training(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, bundle = tmp_path / "run", tiny_run / "bundle"
    assert main([*build_tiny, "--run", str(run), "--trained", str(bundle), "--set", "gate.loss=1"]) == 0
    assert "fine-tune" not in capsys.readouterr().err
    before, after = (load_bundle(path).manifest for path in (bundle, run / "bundle"))
    assert after.name == before.name
    assert after.quality[-1].f1 >= 99


def test_packing_a_bundle_anew_may_be_repeated_and_keeps_what_it_was_made_from_and_sees(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path
) -> None:
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    shutil.copytree(tiny_run / "bundle", bundle)
    (source,) = [Source("teacher", "another", "MIT", "than the recipe names")]
    change_manifest(bundle, lineage=(source,), normalization=normalization_of(("simplified",), ("no_laughter",)))
    packed = [*build_tiny, "--run", str(run), "--trained", str(bundle), "--set", "gate.loss=1"]
    for rules, expected in (([], ("no_laughter",)), (["--set", 'model.span_rules=["whole_words"]'], ("whole_words",))):
        assert main([*packed, "--set", 'model.aliases=["dots"]', *rules]) == 0
        manifest = load_bundle(run / "bundle").manifest
        assert manifest.lineage == (source,)
        assert (manifest.aliases, manifest.span_rules) == (("simplified",), expected)


def test_a_bundle_with_fewer_positions_than_the_recipe_asks_for_is_refused(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, bundle = tmp_path / "run", tiny_run / "bundle"
    for _ in range(2):
        adopted = ["--run", str(run), "--trained", str(bundle), "--set", "model.max_tokens=65"]
        assert main([*build_tiny, *adopted]) == CheckpointError.exit_code
        assert f"{bundle}: has 64 positions; model.max_tokens is 65" in capsys.readouterr().err


def test_what_a_bundle_says_about_its_own_answers_is_left_behind_and_that_is_told(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    shutil.copytree(tiny_run / "bundle", bundle)
    change_manifest(bundle, calibration=Calibration(1.5, 0.0, ()), rules=BundleRules(types=("PER",)))
    assert main([*build_tiny, "--run", str(run), "--trained", str(bundle), "--set", "gate.loss=1"]) == 0
    told = capsys.readouterr().err
    assert f"{bundle}: is calibrated, and the new bundle is not, because" in told
    assert f"{bundle}: has rules, and the new bundle has none" in told
    assert load_bundle(run / "bundle").manifest.calibration is None


@pytest.mark.parametrize(
    "setting", ["model.checkpoint", "distil.teacher", "distil.teachers", "model.average.checkpoint"]
)
def test_a_bundle_does_not_replace_a_model_that_it_is_made_from(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str
) -> None:
    own = Path(shutil.copytree(tiny_run / "bundle", tmp_path / "own"))
    models = {"distil.teacher": "default", setting: json.dumps([str(own)]) if setting.endswith("s") else own}
    command = [*build_tiny, *with_settings(models), "--run", str(tmp_path / "run"), "--bundle", str(own)]
    assert main(command) == UsageError.exit_code
    assert f"{own}: is the model of {setting}, which would be replaced" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def other_seed(_inputs: Path) -> list[str]:
    return ["--set", "finetune.seed=2"]


def other_sentences(inputs: Path) -> list[str]:
    rows = (inputs / "train.jsonl").read_text(encoding="utf-8").splitlines()
    (inputs / "train.jsonl").write_text("\n".join(rows[1:]), encoding="utf-8")
    return []


def other_checkpoint(inputs: Path) -> list[str]:
    config = json.loads((inputs / "checkpoint/config.json").read_text())
    (inputs / "checkpoint/config.json").write_text(json.dumps({**config, "layer_norm_eps": 1e-6}))
    return []


def a_bundle(inputs: Path) -> list[str]:
    return ["--trained", str(inputs.parent / "run/bundle")]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (other_seed, "finetune.seed (1, now 2)"),
        (other_sentences, "data"),
        (other_checkpoint, "model.checkpoint"),
        (a_bundle, "data"),
    ],
)
def test_the_model_of_another_training_is_not_taken_for_this_one(
    build_tiny: list[str],
    tiny_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Path], list[str]],
    name: str,
) -> None:
    inputs = Path(shutil.copytree(Path(build_tiny[1]).parent, tmp_path / "inputs"))
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    assert main([*build_command(inputs), *change(inputs), "--run", str(run)]) == CheckpointError.exit_code
    assert f"was begun with another {name}" in capsys.readouterr().err


def test_a_model_with_other_tags_is_not_packed(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adopted = ["--run", str(tmp_path), "--trained", str(tiny_run / "bundle"), "--set", "scheme=BIO"]
    assert main([*build_tiny, *adopted]) == CheckpointError.exit_code
    assert "was trained for the tags" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("gate.f1=102", "is below 102.00 by "),
        ("gate.loss=-1", "more than -1.00"),
        ("gate.megabytes=0.01", "MB are more than 0.0"),
    ],
)
def test_the_gate_keeps_a_bad_model_out(
    build_tiny: list[str],
    tiny_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    override: str,
    message: str,
) -> None:
    target = tmp_path / "bundle"
    code = main([*build_tiny, "--run", str(tiny_run), "--bundle", str(target), "--set", override])
    assert code == GateError.exit_code
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_student_learns_from_a_teacher(build_tiny: list[str], tiny_run: Path, tmp_path: Path) -> None:
    settings = {
        "distil.teacher": tiny_run / "bundle",
        "distil.unlabelled": Path(build_tiny[1]).parent / "golden.txt",
        "distil.epochs": 3,
        "distil.tokens_per_batch": 512,
        "distil.learning_rate": 3e-3,
        "distil.precision": "fp32",
        "finetune.epochs": 1,
        "gate.f1": 90,
        "gate.loss": 5,
    }
    assert main([*build_tiny, *with_settings(settings), "--run", str(tmp_path)]) == 0
    teacher = read_report(tmp_path).teacher
    assert teacher is not None
    assert teacher.name == "teacher tiny-int8"
    assert teacher.bytes == sum(path.stat().st_size for path in (tiny_run / "bundle").iterdir())


def test_a_teacher_of_other_tags_is_refused(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["--set", f"distil.teacher={tiny_run / 'bundle'}", "--set", "scheme=BIO", "--set", "finetune.epochs=1"]
    assert main([*build_tiny, *settings, "--run", str(tmp_path)]) == CheckpointError.exit_code
    assert "its tags" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()


def test_evaluate_prints_the_scores(tiny_run: Path, build_tiny: list[str]) -> None:
    command = [sys.executable, "-m", "edgener_export", "evaluate", str(tiny_run / "bundle")]
    test = Path(build_tiny[1]).parent / "test.jsonl"
    finished = subprocess.run([*command, "--test", str(test)], capture_output=True, text=True, check=True)
    title, *rows = finished.stdout.splitlines()
    assert title == f"tiny-int8 on {test}, 120 sentences"
    assert [row.split()[0] for row in rows] == ["all", "LOC", "ORG", "PER"]
    assert finished.stderr == ""
