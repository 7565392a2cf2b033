"""``edgener bench`` prints what a clock says that the test moves, in the right units and at the right place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from edgener import Entity, bench, process_stat
from edgener.bench import LENGTHS, measure
from edgener.errors import UsageError
from edgener.process_stat import process_age
from tests.support import TINY_BUNDLE, read_manifest, run_main


class Clock:
    """A clock that the test moves; it stands in for the module ``time``."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME
    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    perf_counter = monotonic

    def clock_gettime(self, clock: int) -> float:
        assert clock == time.CLOCK_BOOTTIME
        return self.now


class Timed:
    """A recognizer that finds nothing, in 1.5 s to load, 2, 3, 4 … ms for texts, and half a second for a batch."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._calls, self.texts = clock, 1, set[str]()

    def load(self, path: Path, *, threads: int) -> Timed:
        assert threads == 2
        self._clock.now += 1.5
        self.manifest = read_manifest(path)
        return self

    def __call__(self, text: str) -> list[Entity]:
        self._calls += 1
        self._clock.now += self._calls / 1000
        self.texts.add(text)
        return []

    def batch(self, texts: Iterable[str]) -> Iterator[list[Entity]]:
        self._clock.now += 0.5
        self.texts.update(texts)
        yield from ([] for _ in texts)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Timed:
    """The recognizer that is measured, in a process that began 7 s before, with 50 MB of memory and then 75."""
    clock = Clock()
    timed = Timed(clock)
    stat = tmp_path / "stat"
    fields = [str(number) for number in range(3, 53)]
    fields[0], fields[19] = "S", str(round((clock.now - 7) * os.sysconf("SC_CLK_TCK")))
    stat.write_text(f"12 (a) b) {' '.join(fields)}\n")
    monkeypatch.setattr(bench, "time", clock)
    monkeypatch.setattr(bench, "Recognizer", timed)
    monkeypatch.setattr(process_stat, "time", clock)
    monkeypatch.setattr(process_stat, "STAT", stat)
    peaks = iter((50.0, 75.0))
    monkeypatch.setattr(bench, "_peak_rss_mb", lambda: next(peaks))
    return timed


@pytest.mark.usefixtures("timed")
def test_every_figure_is_that_of_the_clock() -> None:
    found = measure(TINY_BUNDLE, 2, 5.0)
    assert (found.model, found.threads) == ("tiny-int8", 2)
    assert found.load_s == pytest.approx(1.5)
    assert found.first_answer_ms == pytest.approx(2)
    assert found.start_to_answer_s == pytest.approx(7 + 1.5 + 0.002)
    assert (found.peak_rss_one_text_mb, found.peak_rss_mb) == (50, 75)
    assert found.characters_per_second == pytest.approx(2 * 16 * sum(LENGTHS))
    assert [latency.code_points for latency in found.latencies] == [16, 32, 64, 128]


@pytest.mark.usefixtures("timed")
def test_percentiles_are_those_of_the_sorted_runs_after_a_first_one() -> None:
    """The first text takes 2 ms and the one that warms up 3; 42 runs from 4 to 45 ms fill a second, and so on."""
    first, second, *_ = measure(TINY_BUNDLE, 2, 5.0).latencies
    assert astuple(first) == pytest.approx((16, 42, 25, 43, 45))
    assert astuple(second) == pytest.approx((32, 20, 57, 66, 66))


def test_a_short_measurement_still_times_twenty_texts_of_each_length(timed: Timed) -> None:
    found = measure(TINY_BUNDLE, 2, 1e-9)
    assert [latency.runs for latency in found.latencies] == [20, 20, 20, 20]
    assert found.characters_per_second == pytest.approx(16 * sum(LENGTHS) / 0.5)
    assert {len(text) for text in timed.texts} == set(LENGTHS)
    assert all(text.endswith("。") for text in timed.texts if len(text) > 16)


@pytest.mark.usefixtures("timed")
def test_the_table_has_a_row_for_each_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "LENGTHS", (16,))
    finished = run_main("bench", "--model", str(TINY_BUNDLE), "--threads", "2", "--seconds", "1e-9")
    assert finished.code == 0, finished.errors
    assert finished.output.decode() == (
        "model                  tiny-int8\n"
        "threads                2\n"
        "start to first answer  8.50 s, 1.50 s of it to load the model\n"
        "16 characters          p50 14.0  p95 23.0  p99 23.0 ms\n"
        "in batches             2048 characters a second\n"
        "peak memory            50 MB for one text, 75 MB at the end\n"
    )


@pytest.mark.usefixtures("timed")
def test_json_has_the_same_figures() -> None:
    printed = run_main("bench", "--model", str(TINY_BUNDLE), "--threads", "2", "--seconds", "1e-9", "--json")
    found: dict[str, Any] = json.loads(printed.output)
    assert (found["model"], found["threads"], found["peak_rss_mb"]) == ("tiny-int8", 2, 75)
    assert len(found["latencies"]) == 4


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_no_time_to_measure_is_a_wrong_argument(seconds: str) -> None:
    finished = run_main("bench", "--seconds", seconds)
    assert finished.code == 2
    assert finished.errors == f"edgener: --seconds is {float(seconds)}; it must be a number above 0\n"


def test_the_measurement_takes_ten_seconds_or_what_the_user_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def stop(_path: Path, _threads: int, seconds: float) -> None:
        asked.append(seconds)
        raise UsageError("stop")

    monkeypatch.setattr(bench, "measure", stop)
    assert run_main("bench", "--seconds", "0.5").code == run_main("bench").code == 2
    assert asked == [0.5, 10.0]


def test_the_age_and_the_memory_of_this_process_are_those_that_the_kernel_knows() -> None:
    before = process_age()
    (peak,) = (int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
    assert 0 < before <= process_age() < time.clock_gettime(time.CLOCK_BOOTTIME)
    assert bench._peak_rss_mb() == pytest.approx(peak / 1024, rel=0.1)


def test_the_memory_of_whoever_starts_the_measurement_is_none_of_its_own() -> None:
    program = "from edgener.bench import _peak_rss_mb; print(_peak_rss_mb())"
    starter = f"import subprocess, sys; large = b'1' * (400 << 20); subprocess.run([sys.executable, '-c', {program!r}])"
    finished = subprocess.run([sys.executable, "-c", starter], capture_output=True, text=True, check=True)
    assert 5 < float(finished.stdout) < 300
