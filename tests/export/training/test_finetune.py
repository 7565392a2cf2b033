"""A run that was killed goes on where it stopped, and ends with the very same weights."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from edgener_export.cli.main import main
from tests.export.commands import run_until_killed, train, with_settings

SHORT = with_settings(
    {"data.limit": 300, "finetune.epochs": 2, "finetune.dev_every": 20, "gate.f1": 0, "gate.loss": 100}
)
SAVE_EVERY_STEP = ["--set", "finetune.save_minutes=0"]
WEIGHTS = Path("model") / "model.safetensors"


def test_a_killed_run_ends_with_the_weights_of_one_that_never_was(build_tiny: list[str], tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    command = [*build_tiny, *SHORT, "--run", str(killed)]
    state = killed / "finetune" / "state.pt"
    run_until_killed([*command, *SAVE_EVERY_STEP], state)
    assert torch.load(state, weights_only=True)["step"] > 0
    assert not (killed / "model").exists()
    assert main(command) == 0
    assert main([*build_tiny, *SHORT, "--run", str(whole)]) == 0
    assert (killed / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()
    for name in ("manifest.json", "model.onnx", "model.onnx.data", "golden.json"):
        assert (killed / "bundle" / name).read_bytes() == (whole / "bundle" / name).read_bytes()


def test_frozen_layers_stay_as_they_were(build_tiny: list[str], tmp_path: Path) -> None:
    short = [*build_tiny, *SHORT, "--set", "data.limit=40"]
    frozen = ["--set", "finetune.frozen_layers=1"]
    train([*short, *frozen, "--run", str(tmp_path)])
    state = torch.load(tmp_path / "finetune" / "state.pt", weights_only=True)["model"]
    before = load_file(Path(build_tiny[1]).parent / "checkpoint" / "model.safetensors")
    layer = [name for name in before if name.startswith("encoder.layer.0.")]
    assert layer
    assert all(torch.equal(state[f"bert.{name}"], before[name]) for name in layer)


def test_the_training_curve_is_kept(tiny_run: Path) -> None:
    rows = [json.loads(line) for line in (tiny_run / "finetune" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == sorted(row["step"] for row in rows)
    assert rows[-1]["dev_f1"] > 95
    assert rows[-1]["loss"] < 0.5
