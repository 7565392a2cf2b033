"""A training means the same in one process, with or without accelerate, and in two."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from edgener_export.training.hardware import Accelerated, OneCpu
from tests.export.commands import train, with_settings
from tests.export.tiny_tuner import TinyTuner

WEIGHTS = Path("model") / "model.safetensors"
TWO_PROCESSES = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--module", "--", "edgener_export"]


def test_one_process_learns_the_same_with_accelerate(tmp_path: Path) -> None:
    tiny = TinyTuner(accumulate=2)
    models = []
    for chosen in (OneCpu(), Accelerated()):
        tuner, model = tiny.open(tmp_path / type(chosen).__name__)
        tuner._hardware = chosen
        tuner.run(tiny.constant, tiny.constant)
        models.append(model)
    for one, other in zip(*(model.parameters() for model in models), strict=True):
        assert torch.equal(one, other)


def test_two_processes_share_the_batches_of_a_step(build_tiny: list[str], tmp_path: Path) -> None:
    settings = {"data.limit": 90, "finetune.epochs": 1, "finetune.accumulate": 3, "gate.f1": 0, "gate.loss": 100}
    command = [*build_tiny, *with_settings(settings)]
    train([*command, "--run", str(tmp_path / "one")])
    finished = subprocess.run(
        [sys.executable, "-m", *TWO_PROCESSES, *command, "--run", str(tmp_path / "two")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("int8") == 1
    assert finished.stderr.count("fine-tune: dev") == 1
    one, two = (load_file(tmp_path / name / WEIGHTS) for name in ("one", "two"))
    for name, weight in one.items():
        if name.endswith("key.bias"):  # moves no attention score: its gradient is rounding alone
            continue
        torch.testing.assert_close(two[name], weight, rtol=1e-3, atol=1e-5)
