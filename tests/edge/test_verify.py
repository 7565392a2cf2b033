"""Comparing answers: what counts as the same, and what a guest's console says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgener.bundle import GOLDEN
from edgener.golden import read_cases
from edgener_edge import probe
from edgener_edge.emulator import cpuinfo
from edgener_edge.errors import DeviceError
from edgener_edge.guest import read_report
from edgener_edge.verify import compare, read_sentences, repeated_lines
from tests.support import TINY_BUNDLE

TOOL = Path(__file__).parents[2] / "tools/make_sentences.py"
CASES = read_cases(TINY_BUNDLE / GOLDEN)
TEXTS = [*read_sentences()[:5], ""]
ALL = [*(case.text for case in CASES), *TEXTS]
CONSOLE = """\
[    0.0] Booting Linux\r
@@ kernel 6.1.0-56-arm64\r
@@ memory_kb 230000\r
@@ result first 0 1.00 21.50 1\r
@@ answer {"line": 1, "entities": []}\r
@@ result sentence 137 21.50 30.50 0\r
@@ said out of memory\r
@@ peak sentence 81920\r
@@ done\r
"""


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    source = tmp_path / "input.json"
    source.write_text(json.dumps({"bundle": str(TINY_BUNDLE), "texts": ALL}))
    probe.main(source, tmp_path / "host.json")
    return tmp_path / "host.json"


def test_the_same_answers_are_exact(answers: Path) -> None:
    agreement = compare("host", CASES, TEXTS, answers, answers)
    assert agreement.is_exact
    assert agreement.same_logits == agreement.texts == len(ALL)
    assert agreement.golden_entities == agreement.golden_cases > 0


def test_other_logits_are_measured(answers: Path) -> None:
    other = answers.with_name("other.json")
    other.write_bytes(answers.read_bytes())
    logits = np.frombuffer(answers.with_suffix(".logits").read_bytes(), "<f4").copy()
    logits[0] += 0.5
    other.with_suffix(".logits").write_bytes(logits.tobytes())
    agreement = compare("cortex-a72", CASES, TEXTS, answers, other)
    assert agreement.is_good
    assert not agreement.is_exact
    assert agreement.same_logits == len(ALL) - 1
    assert agreement.largest_difference == pytest.approx(0.5)


@pytest.mark.parametrize(("score", "is_good"), [(0.9, False), (0.5, True)])
def test_other_entities_count_where_the_model_is_sure(answers: Path, score: float, is_good: bool) -> None:
    answer = json.loads(answers.read_text())
    answer["entities"][len(CASES) + 2].append([0, 1, "PER", score])
    other = answers.with_name("other.json")
    other.write_text(json.dumps(answer))
    other.with_suffix(".logits").write_bytes(answers.with_suffix(".logits").read_bytes())
    agreement = compare("cortex-a72", CASES, TEXTS, answers, other)
    assert agreement.is_good == is_good
    assert agreement.undecided == is_good
    assert agreement.same_entities == len(ALL) - 1
    assert agreement.first_difference == ("" if is_good else TEXTS[2])


def test_our_sentences_are_many_and_made_by_the_tool() -> None:
    sentences = read_sentences()
    assert len(set(sentences)) >= 200
    made = subprocess.run([sys.executable, TOOL], check=True, capture_output=True).stdout
    assert made.decode().splitlines() == sentences


def test_repeated_lines_have_the_size() -> None:
    assert repeated_lines(["一", "", "二"], 10) == "一\n二\n一\n"


def test_cpuinfo_tells_dot_products() -> None:
    assert "asimddp" not in cpuinfo("cortex-a72", 1)
    assert cpuinfo("cortex-a76", 3).count("asimddp") == 3
    with pytest.raises(DeviceError, match="cortex-a72, cortex-a76"):
        cpuinfo("pentium", 1)


def test_console_of_a_guest() -> None:
    report = read_report(CONSOLE, "cortex-a72", 256)
    assert (report.kernel, round(report.usable_mb)) == ("6.1.0-56-arm64", 225)
    assert [(result.name, result.exit_code) for result in report.results] == [("first", 0), ("sentence", 137)]
    assert report.results[1].peak_rss_mb == 80
    assert report.results[0].seconds == 20.5
    assert not report.is_good
    assert report.said == ('answer {"line": 1, "entities": []}', "said out of memory")
