"""Long work says how far it is: a line each minute in a log, a bar on a terminal."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from edgener_export.training.progress import Progress
from tests.export.tiny_tuner import TinyTuner


class Clock:
    """A clock that goes on by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stderr that is a terminal."""

    def isatty(self) -> bool:
        return True


def work(clock: Clock, steps: int, seconds: float, **options: object) -> None:
    with Progress("fine-tune", 1000, "step", clock=clock, **options) as progress:  # type: ignore[arg-type]
        for number in range(steps):
            clock.now += seconds
            progress.advance(loss=f"{number:.3f}")


def test_a_log_gets_a_line_after_ten_seconds_and_one_each_minute(capsys: pytest.CaptureFixture[str]) -> None:
    work(Clock(), 100, 2.0)
    assert capsys.readouterr().err.splitlines() == [
        "fine-tune: step 5 of 1000 (0%), loss 4.000, 2.0 s/step, 0:33:10 left",
        "fine-tune: step 35 of 1000 (4%), loss 34.000, 2.0 s/step, 0:32:10 left",
        "fine-tune: step 65 of 1000 (6%), loss 64.000, 2.0 s/step, 0:31:10 left",
        "fine-tune: step 95 of 1000 (10%), loss 94.000, 2.0 s/step, 0:30:10 left",
    ]


def test_steps_of_an_earlier_command_do_not_count_for_the_rate(capsys: pytest.CaptureFixture[str]) -> None:
    work(Clock(), 25, 0.5, done=900)
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "fine-tune: step 920 of 1000 (92%), loss 19.000, 2.0 step/s, 0:00:40 left"


def test_what_is_over_sooner_or_not_shown_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    work(Clock(), 9, 1.0)
    work(Clock(), 100, 2.0, shown=False)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_one_line_in_place_with_loss_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    work(Clock(), 1000, 2.0)
    *_, last = terminal.getvalue().split("\r")
    assert "fine-tune: 100%" in last
    assert "1000/1000" in last
    assert "step/s" in last
    assert "loss=999.000" in last
    assert terminal.getvalue().count("\n") == 1


def test_a_training_shows_its_loss_and_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    tiny = TinyTuner()
    tuner, _ = tiny.open(tmp_path)
    tuner.run(tiny.constant, tiny.constant)
    *_, last = terminal.getvalue().split("\r")
    assert "fine-tune: 100%" in last
    assert "loss=" in last
