"""Swapped names through a whole recipe: fine-tuned, then distilled, killed on the way, the same weights in the end."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgener_export.cli.main import main
from edgener_export.corpus.name_swap import Name, read_names
from edgener_export.errors import CorpusError, RecipeError
from tests.export.commands import run_until_killed, train, with_settings


@pytest.fixture
def command(build_tiny: list[str], tiny_run: Path) -> list[str]:
    settings = {
        "data.limit": 60,
        "finetune.epochs": 2,
        "finetune.swap_probability": 0.5,
        "distil.teacher": tiny_run / "bundle",
        "distil.unlabelled": Path(build_tiny[1]).parent / "golden.txt",
        "distil.epochs": 3,
        "distil.tokens_per_batch": 512,
        "distil.precision": "fp32",
        "distil.swap_probability": 0.5,
        "gate.f1": 0,
        "gate.loss": 100,
    }
    return [*build_tiny, *with_settings(settings)]


def test_a_killed_distillation_with_swapped_names_ends_in_the_same_weights(command: list[str], tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    state = killed / "distil" / "state.pt"
    save = ["--set", "distil.save_minutes=0", "--run", str(killed)]
    run_until_killed([*command, *save], state, killed / "distil/teacher-1/1/done.json")
    assert torch.load(state, weights_only=True)["step"] > 0
    train([*command, "--run", str(killed)])
    train([*command, "--run", str(whole)])
    weights = Path("model") / "model.safetensors"
    assert (killed / weights).read_bytes() == (whole / weights).read_bytes()
    assert [path.name for path in whole.glob("distil/teacher-*")] == ["teacher-2"]


def test_variants_come_again_and_the_teacher_reads_each_once(command: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    train([*command, "--set", "distil.swap_variants=2", "--run", str(run)])
    assert sorted(path.name for path in run.glob("distil/teacher-*")) == ["teacher-0", "teacher-1"]


def test_names_of_a_file_are_swapped_in(command: list[str], tmp_path: Path) -> None:
    names = tmp_path / "names.tsv"
    names.write_text("PER\t欧阳娜娜\nTIME\t今天\n\n", encoding="utf-8")
    assert read_names(names, ("LOC", "ORG", "PER")) == [Name("PER", "欧阳娜娜")]
    swap = ["--set", f"finetune.swap_names={names}", "--set", f"distil.swap_names={names}"]
    train([*command, *swap, "--run", str(tmp_path / "run")])


def test_a_row_that_is_no_name_is_named(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = tmp_path / "names.tsv"
    names.write_text("PER\t欧阳娜娜\n欧阳\n", encoding="utf-8")
    code = main([*command, "--set", f"finetune.swap_names={names}", "--run", str(tmp_path / "run")])
    assert code == CorpusError.exit_code
    assert f"{names}:2: expected a type, a tab and a name, found '欧阳'" in capsys.readouterr().err


def test_what_is_no_probability_is_refused(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*command, "--set", "finetune.swap_probability=2", "--run", str(tmp_path)])
    assert code == RecipeError.exit_code
    assert "finetune.swap_probability is 2.0; it must be at most 1" in capsys.readouterr().err
