"""Swapped names through a whole recipe: fine-tuned, then distilled, killed on the way, the same weights in the end."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from edgener_export.cli import main
from edgener_export.errors import RecipeError


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
    return [*build_tiny, *(argument for key, value in settings.items() for argument in ("--set", f"{key}={value}"))]


def test_a_killed_distillation_with_swapped_names_ends_in_the_same_weights(command: list[str], tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    state = killed / "distil" / "state.pt"
    save = ["--set", "distil.save_minutes=0", "--run", str(killed)]
    with subprocess.Popen([sys.executable, "-m", "edgener_export", *command, *save]) as process:
        while not (state.exists() and list(killed.glob("distil/teacher-*-1.npy"))):
            assert process.poll() is None
            time.sleep(0.002)
        process.kill()
    assert torch.load(state, weights_only=True)["step"] > 0
    assert main([*command, "--run", str(killed)]) == 0
    assert main([*command, "--run", str(whole)]) == 0
    weights = Path("model") / "model.safetensors"
    assert (killed / weights).read_bytes() == (whole / weights).read_bytes()
    assert [path.name for path in whole.glob("distil/teacher-*.npy")] == ["teacher-0.5-1-2.npy"]


def test_what_is_no_probability_is_refused(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*command, "--set", "finetune.swap_probability=2", "--run", str(tmp_path)])
    assert code == RecipeError.exit_code
    assert "swap_probability is 2.0; it must be between 0 and 1" in capsys.readouterr().err
