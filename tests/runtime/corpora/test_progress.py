"""Progress shows share, rate, time left and trouble, and a summary everything; cores are those that may be used."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from edgener.corpora.annotate import Counts
from edgener.corpora.cores import available_cores
from edgener.corpora.inputs import Inputs
from edgener.corpora.progress import JobProgress, duration
from edgener.corpora.run import Damaged, Outcome, SetAside
from edgener.corpora.summary import Summary
from tests.runtime.corpora.support import input_file


def counts(texts: int, errors: int = 0) -> Counts:
    """Return the numbers of a part."""
    return Counts(texts, texts, texts, errors, {})


def test_the_line_counts_what_is_left_for_this_run_only() -> None:
    progress = JobProgress(1000)
    progress.skip(300)
    progress.skip(200)
    progress.advance(100, counts(50))
    assert progress.line(10) == f"edgener map [{'#' * 4:<20}]  20%, 5 texts/s, 40 s left"
    progress.advance(400, counts(1950, errors=2))
    progress.died()
    assert progress.line(10) == (
        f"edgener map [{'#' * 20}] 100%, 200 texts/s, 0 s left, 2 rows with an error, 1 worker processes died"
    )


LEFT_OUT = tuple(f"{number}.bin" for number in range(12))
SUMMARY = Summary(
    Inputs((input_file(Path("in/a.txt"), "lines"), input_file(Path("in/b.csv"), "csv")), LEFT_OUT),
    Counts(rows=1235, texts=1230, code_points=61_500, errors=7, entities={"LOC": 5, "PER": 1234}),
    Outcome(
        [Counts(6, 5, 30, 1, {"PER": 2}), Counts(5, 4, 20, 0, {"LOC": 1, "PER": 1})],
        [SetAside("in/a.txt", 101, 20, "a worker was killed")],
        [Damaged("in/b.csv", "in/b.csv: cannot be read to its end")],
        2.34567,
    ),
)


def test_a_summary_has_every_number_and_all_that_could_not_be_done() -> None:
    assert SUMMARY.to_plain() == {
        "files": 2,
        "rows": 1235,
        "texts": 1230,
        "code_points": 61_500,
        "errors": 7,
        "entities": {"LOC": 5, "PER": 1234},
        "set_aside": [{"file": "in/a.txt", "first_row": 101, "rows": 20, "reason": "a worker was killed"}],
        "damaged": [{"file": "in/b.csv", "reason": "in/b.csv: cannot be read to its end"}],
        "left_out": list(LEFT_OUT),
        "this_run": {"texts": 9, "code_points": 50, "seconds": 2.346, "texts_per_second": 3.8},
    }
    assert SUMMARY.to_text().splitlines() == [
        "files               2",
        "rows                1,235",
        "texts               1,230 (61,500 characters)",
        "rows with an error  7",
        "entities LOC        5",
        "entities PER        1,234",
        "this run            9 texts in 2 s, 4 a second",
        *(f"left out            {number}.bin" for number in range(10)),
        "left out            and 2 more",
    ]
    assert SUMMARY.trouble == (
        "in/a.txt: rows 101 to 120 are set aside: a worker was killed; in/b.csv: cannot be read to its end"
    )


def test_a_summary_of_a_run_without_work_has_no_rate() -> None:
    idle = Summary(Inputs((), ()), SUMMARY.done, Outcome(seconds=0.0))
    assert idle.to_plain()["this_run"] == {"texts": 0, "code_points": 0, "seconds": 0.0, "texts_per_second": 0.0}
    assert idle.to_text().splitlines()[-1] == "this run            nothing was left to do"
    assert idle.trouble == ""


def test_a_line_is_shown_before_anything_is_done() -> None:
    assert JobProgress(1000).line(1) == f"edgener map [{'':<20}]   0%, 0 texts/s"
    assert "100%" in JobProgress(0).line(1)


@pytest.mark.parametrize("terminal", [True, False])
def test_the_line_is_shown_on_a_terminal_and_erased(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    now = iter((0.0, 0.1, 0.6, 0.7, 1.2))
    monkeypatch.setattr("edgener.corpora.progress.time.monotonic", lambda: next(now))
    with JobProgress(100) as progress:
        for _ in range(4):
            progress.update()
    lines = ["\redgener map [                    ]   0%, 0 texts/s\x1b[K"] * 2
    assert capsys.readouterr().err == ("".join([*lines, "\r\x1b[K"]) if terminal else "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (7260, "2 h 1 min"), (90_000, "1 d 1 h")],
)
def test_a_time_is_told_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "9900000 100000\n"}, None),
        ({"job/cpu.max": "100000 100000\n"}, 1),
        ({"cpu/job/cpu.cfs_quota_us": "100000\n", "cpu/job/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({}, None),
    ],
)
def test_the_share_of_a_control_group_limits_the_cores(
    tmp_path: Path, files: dict[str, str], cores: int | None
) -> None:
    for name, content in {"../../../proc/self/cgroup": "3:cpu:/job\n0::/job\n", **files}.items():
        path = (tmp_path / "sys/fs/cgroup" / name).resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="ascii")
    assert available_cores(tmp_path) == (cores or len(os.sched_getaffinity(0)))
