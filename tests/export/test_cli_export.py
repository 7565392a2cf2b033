"""``edgener-export`` on bad input: one line that says what is wrong, an exit code, and nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgener_export.cli import main
from edgener_export.errors import CheckpointError, CorpusError, ExportError, RecipeError


def run(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int) -> str:
    """The last line of what a failing command says."""
    assert main(arguments) == code
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("edgener-export: ")
    return last.removeprefix("edgener-export: ")


@pytest.mark.parametrize(
    ("override", "code", "message"),
    [
        ("finetune.epoch=1", RecipeError.exit_code, "finetune.epoch is unknown"),
        ("data.corpus=ontonotes", RecipeError.exit_code, "'ontonotes' is unknown; known: msra"),
        ("data.test=", RecipeError.exit_code, "name a corpus, or files"),
        ("data.train=missing.jsonl", CorpusError.exit_code, "missing.jsonl: cannot be read"),
        ("data.train=golden.txt", CorpusError.exit_code, "golden.txt:1: expected a character"),
        ("golden=missing.txt", RecipeError.exit_code, "missing.txt: cannot be read"),
        ("model.vocabulary=latin", RecipeError.exit_code, "'latin' is unknown; known: all, chinese"),
        ("quantize.method=magic", RecipeError.exit_code, "'magic' is unknown"),
    ],
)
def test_recipes_that_ask_for_what_is_not_there(
    capsys: pytest.CaptureFixture[str],
    build_tiny: list[str],
    tiny_run: Path,
    tmp_path: Path,
    override: str,
    code: int,
    message: str,
) -> None:
    at = tiny_run if override.startswith("quantize") else tmp_path / "run"
    target = tmp_path / "bundle"
    arguments = [*build_tiny, "--set", override, "--run", str(at), "--bundle", str(target)]
    assert message in run(capsys, arguments, code)
    assert not target.exists()


def test_a_checkpoint_that_is_nowhere_names_the_offline_way(
    capsys: pytest.CaptureFixture[str], build_tiny: list[str], tmp_path: Path
) -> None:
    missing = tmp_path / "no-checkpoint"
    arguments = [*build_tiny, "--set", f"model.checkpoint={missing}", "--run", str(tmp_path / "run")]
    message = run(capsys, arguments, CheckpointError.exit_code)
    assert message.startswith(f"{missing}: ")
    assert "give a directory" in message


def test_a_bundle_that_cannot_be_evaluated(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "manifest.json: not found" in run(capsys, ["evaluate", str(tmp_path)], 11)


def test_a_missing_recipe(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "cannot be read" in run(capsys, ["build", str(tmp_path / "none.toml")], RecipeError.exit_code)


def test_a_full_disk_is_told(capsys: pytest.CaptureFixture[str], build_tiny: list[str]) -> None:
    assert "/dev/full" in run(capsys, [*build_tiny, "--run", "/dev/full"], 1)


def test_every_error_has_its_own_exit_code() -> None:
    codes = [ExportError.exit_code, *(cls.exit_code for cls in ExportError.__subclasses__())]
    assert codes == [30, 31, 32, 33, 34, 35, 36]


def test_the_test_sentences_are_the_bundles_own_kind(build_tiny: list[str]) -> None:
    rows = (Path(build_tiny[1]).parent / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert {entity["label"] for row in rows for entity in json.loads(row)["entities"]} == {"LOC", "ORG", "PER"}
