"""The progress of a long file: the right share, on a terminal and nowhere else."""

from __future__ import annotations

import io
import os
import pty
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from edgener import progress
from edgener.progress import Progress


class Clock:
    """A clock that the test moves."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


class Terminal:
    """A pseudo-terminal that is standard error in a ``with`` block, while standard output is none."""

    def __init__(self) -> None:
        self._reader, writer = pty.openpty()
        self.stream = os.fdopen(writer, "w", encoding="utf-8")

    def shown(self) -> str:
        """Return the text that was written since the last call."""
        self.stream.write("end")
        self.stream.flush()
        text = ""
        while not text.endswith("end"):
            text += os.read(self._reader, 1000).decode()
        return text.removesuffix("end")

    def __enter__(self) -> Terminal:
        self._streams = ExitStack()
        self._streams.enter_context(redirect_stderr(self.stream))
        self._streams.enter_context(redirect_stdout(io.StringIO()))
        return self

    def __exit__(self, *_: object) -> None:
        self._streams.close()
        self.stream.close()
        os.close(self._reader)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_the_bar_grows_with_what_was_read_and_the_time_left_shrinks(clock: Clock) -> None:
    with Terminal() as terminal:
        bar = Progress("news.txt", 1000)
        shown = []
        for amount in (250, 250, 250, 250):
            clock.now += 3
            bar.advance(amount)
            shown.append(terminal.shown())
        assert shown == [
            f"\rnews.txt [{'#' * full:<30}] {share:>4}, {left} s left \x1b[K"
            for full, share, left in ((8, "25%", 9), (15, "50%", 6), (22, "75%", 3), (30, "100%", 0))
        ]
        bar.close()
        assert terminal.shown() == "\r\x1b[K"


def test_the_amount_is_shown_where_the_size_is_not_known(clock: Clock) -> None:
    with Terminal() as terminal:
        bar = Progress("standard input", 0)
        clock.now += 3
        bar.advance(3_400_000)
        assert terminal.shown() == "\rstandard input 3.4 MB read \x1b[K"


def test_the_line_is_shown_after_exactly_two_seconds(clock: Clock) -> None:
    with Terminal() as terminal:
        bar = Progress("news.txt", 1000)
        clock.now += 2
        bar.advance(500)
        assert terminal.shown() == f"\rnews.txt [{'#' * 15:<30}]  50%, 2 s left \x1b[K"


def test_a_megabyte_is_a_million_bytes(clock: Clock) -> None:
    with Terminal() as terminal:
        bar = Progress("standard input", 0)
        clock.now += 3
        bar.advance(5_000_000_000_000)
        assert terminal.shown() == "\rstandard input 5000000.0 MB read \x1b[K"


@pytest.mark.parametrize(
    ("amount", "line"), [(0, f"[{'':<30}]   0%"), (1500, f"[{'#' * 30}] 100%, 0 s left")], ids=["nothing", "too-much"]
)
def test_the_share_is_between_nothing_and_all(clock: Clock, amount: int, line: str) -> None:
    with Terminal() as terminal:
        bar = Progress("growing.txt", 1000)
        clock.now += 3
        bar.advance(amount)
        assert terminal.shown() == f"\rgrowing.txt {line} \x1b[K"


def test_nothing_is_shown_in_the_first_two_seconds_and_then_five_times_a_second(clock: Clock) -> None:
    with Terminal() as terminal:
        bar = Progress("news.txt", 1000)
        shown = []
        for _ in range(30):
            clock.now += 0.1
            bar.advance(1)
            shown.append(bool(terminal.shown()))
        assert not any(shown[:19])
        assert 4 <= sum(shown[19:]) <= 6
        short = Progress("short.txt", 10)
        short.advance(10)
        short.close()
        assert terminal.shown() == ""


def test_nothing_is_shown_where_nobody_looks_or_results_would_be_written_into_it(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Terminal() as terminal:

        def show_all(*, is_typed: bool = False) -> None:
            bar = Progress("news.txt", 1000, is_typed=is_typed)
            clock.now += 3
            bar.advance(500)
            bar.close()

        show_all(is_typed=True)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal.stream)
            show_all()
        assert terminal.shown() == ""
        with (tmp_path / "errors").open("w") as file, monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", file)
            show_all()
        assert (tmp_path / "errors").read_text() == ""
        show_all()
        assert "50%" in terminal.shown()
