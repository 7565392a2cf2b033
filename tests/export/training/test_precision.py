"""The faster precision is chosen by timing, once for a run, without a trace in its weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgener_export.recipe.settings import BF16, FP32, PRECISIONS, FinetuneSettings
from edgener_export.training import trainer as trainer_module
from edgener_export.training.precision import PrecisionChoice, choose_precision
from tests.export.tiny_tuner import Killed, TinyTuner


class Machine:
    """A machine whose steps take a given time, the first of each precision longer."""

    def __init__(self, warm_up: float, **seconds: float) -> None:
        self._warm_up, self._seconds = warm_up, seconds
        self.now = 0.0
        self.steps: list[str] = []

    def step(self, precision: str) -> None:
        self.now += self._seconds[precision] + (0 if precision in self.steps else self._warm_up)
        self.steps.append(precision)

    def choose(self) -> PrecisionChoice:
        return choose_precision(self.step, lambda: self.now)


def test_the_faster_one_is_chosen_whatever_the_warm_up_takes() -> None:
    assert Machine(5.0, bf16=1.0, fp32=2.0).choose() == PrecisionChoice(BF16, 1.0, 2.0)
    assert Machine(5.0, bf16=2.0, fp32=1.0).choose() == PrecisionChoice(FP32, 2.0, 1.0)


def test_a_hopeless_step_is_not_repeated() -> None:
    machine = Machine(0.0, bf16=1000.0, fp32=1.0)
    assert machine.choose().precision == FP32
    assert machine.steps.count(BF16) == 1


@pytest.mark.parametrize("slow", [BF16, FP32])
def test_a_run_takes_the_faster_precision_and_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], slow: str
) -> None:
    fast = BF16 if slow == FP32 else FP32

    def slow_one(step: object) -> PrecisionChoice:
        step(fast)  # type: ignore[operator]
        step(slow)  # type: ignore[operator]
        return PrecisionChoice(fast, *((2.0, 1.0) if slow == BF16 else (1.0, 2.0)))

    monkeypatch.setattr(trainer_module, "choose_precision", slow_one)
    expected = TinyTuner(precision=fast)
    tuner, model = expected.open(tmp_path / "named")
    tuner.run(expected.constant, expected.constant)
    tiny = TinyTuner(precision="auto")
    killed, _ = tiny.open(tmp_path / "chosen", Killed)
    with pytest.raises(KeyboardInterrupt):
        killed.run(tiny.constant, tiny.constant)
    assert f"fine-tune: computes in {fast}: a step takes " in capsys.readouterr().err
    monkeypatch.setattr(trainer_module, "choose_precision", lambda _step: pytest.fail("was chosen already"))
    resumed, chosen = tiny.open(tmp_path / "chosen")
    resumed.run(tiny.constant, tiny.constant)
    assert torch.load(tmp_path / "chosen" / "state.pt", weights_only=True)["precision"] == fast
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, chosen.state_dict()[name]), name


def test_auto_is_the_default_and_times_real_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert FinetuneSettings().precision == "auto"
    tiny = TinyTuner(precision="auto", epochs=1)
    tuner, _ = tiny.open(tmp_path)
    tuner.run(tiny.constant, tiny.constant)
    precision = torch.load(tmp_path / "state.pt", weights_only=True)["precision"]
    assert precision in PRECISIONS[1:]
    assert f"computes in {precision}: a step takes " in capsys.readouterr().err


def test_bf16_computes_otherwise_than_fp32(tmp_path: Path) -> None:
    weights = []
    for precision in (BF16, FP32):
        tiny = TinyTuner(precision=precision, epochs=1)
        tuner, model = tiny.open(tmp_path / precision)
        tuner.run(tiny.constant, tiny.constant)
        weights.append(model.classifier.weight)
    assert not torch.equal(*weights)
