"""The tools that prove what docs/corpora.md says see each fault that they look for."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgener import Recognizer
from edgener.corpora.settings import Settings
from tests.runtime.corpora.support import do_job
from tests.support import TINY_BUNDLE
from tools.corpora_costs import summary
from tools.corpora_kills import Report, check, write_corpus
from tools.corpora_memory import by_tenths, slope
from tools.engines.__main__ import differences
from tools.measured import Usage

ROWS = 30


@pytest.fixture
def results(recognizer: Recognizer, tmp_path: Path) -> tuple[Path, dict[str, list[str]]]:
    """The results of a small job, and its texts."""
    texts = write_corpus(tmp_path / "corpus", ROWS)
    do_job(recognizer, [tmp_path / "corpus"], tmp_path / "out", Settings())
    return tmp_path / "out", texts


def lose(lines: list[str]) -> list[str]:
    """Lose a row."""
    return lines[1:]


def double(lines: list[str]) -> list[str]:
    """Write a row twice."""
    return [lines[0], *lines]


def change(lines: list[str]) -> list[str]:
    """Change a text."""
    return [json.dumps({**json.loads(lines[0]), "text": "another"}), *lines[1:]]


def answer(lines: list[str]) -> list[str]:
    """Lose the entities of all rows."""
    return [json.dumps({**json.loads(line), "entities": []}) for line in lines]


@pytest.mark.parametrize(
    ("damage", "fault"),
    [(list, ""), (lose, "lost: 1"), (double, "doubled: 1"), (change, "changed: 1"), (answer, "wrong_answers: ")],
)
def test_the_check_after_the_kills_sees_each_fault(
    results: tuple[Path, dict[str, list[str]]], damage: Callable[[list[str]], list[str]], fault: str
) -> None:
    output, texts = results
    (path,) = (output / "a.txt").glob("part-*.jsonl")
    path.write_text("\n".join(damage(path.read_text(encoding="utf-8").splitlines())) + "\n", encoding="utf-8")
    report = Report(ROWS)
    check(output, texts, Namespace(model=TINY_BUNDLE, seed=0, sample=ROWS), report)
    assert report.sample >= ROWS - 1
    assert fault in (report.faults or [""])[0]
    assert bool(report.faults) == bool(fault)


def test_the_check_after_the_kills_sees_a_draft(results: tuple[Path, dict[str, list[str]]]) -> None:
    output, texts = results
    (output / "a.txt/.part-0000009.jsonl.0-of-1.1.draft").write_bytes(b"")
    report = Report(ROWS)
    check(output, texts, Namespace(model=TINY_BUNDLE, seed=0, sample=3), report)
    assert report.faults == ["drafts_left: 1"]


def test_rows_of_an_engine_are_compared_with_ours() -> None:
    entity = {"start": 0, "end": 1, "label": "PER", "text": "a", "score": 0.5}
    ours: list[dict[str, Any]] = [
        {"id": number, "text": "a", "error": None, "entities": [entity]} for number in range(3)
    ]
    other = {**ours[2], "entities": [{**entity, "score": 0.6}]}
    assert differences(ours, ours, 3) == []
    assert differences(ours, ours[:2], 3) == ["1 rows lost"]
    assert differences(ours, [*ours, ours[0]], 3) == ["1 rows doubled"]
    assert differences(ours, [*ours[:2], other], 3) == ["1 rows with another answer"]
    assert differences(ours[:2], ours, 3) == ["edgener map has lost or doubled rows", "1 rows with another answer"]


def test_ratios_are_those_of_the_medians() -> None:
    usages = {
        (1, 1): [Usage(0, cpu, 10.0, 100.0, 2) for cpu in (9.0, 10.0, 30.0)],
        (2, 1): [Usage(0, 11.0, 5.5, 104.0, 2)],
        (2, 2): [Usage(0, 10.5, 5.0, 150.0, 3)],
    }
    found = summary(usages, {1: [10.0], 2: [5.0]}, {1: [9.0], 2: [5.0]})
    layouts = found["layouts"]
    assert isinstance(layouts, list)
    assert [row["cpu_ratio"] for row in layouts] == [1.0, 1.1, 1.05]
    assert [row["speed_ratio"] for row in layouts] == [1.0, 0.909, 1.0]
    assert [row["plain_ratio"] for row in layouts] == [1.0, 1.1, 1.0]
    assert (layouts[1]["thread_mb"], layouts[2]["process_mb"]) == (4.0, 50.0)
    assert found["file_speed_ratio"] == 1.8


def test_the_growth_of_memory_is_the_slope_of_a_line() -> None:
    points = [(tenth / 10, 50 + 20 * tenth / 10) for tenth in range(10)]
    assert slope(points) == pytest.approx(20)
    assert slope(points[:1]) == 0
    assert by_tenths(points, 1.0)[9] == 68.0
