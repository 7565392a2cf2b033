"""Comparing answers: what counts as the same, and how the work is shared out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgener.bundle import GOLDEN
from edgener.golden import read_cases
from edgener_edge.errors import DeviceError
from edgener_edge.on_device import probe
from edgener_edge.qemu_user import cpuinfo
from edgener_edge.verify import compare, join_answers, read_sentences, repeated_lines, shares
from tests.support import TINY_BUNDLE

TOOL = Path(__file__).parents[2] / "tools/make_sentences.py"
CASES = read_cases(TINY_BUNDLE / GOLDEN)
TEXTS = [*read_sentences()[:5], ""]
ALL = [*(case.text for case in CASES), *TEXTS]


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


def test_answers_in_parts_are_those_of_one_probe(answers: Path, tmp_path: Path) -> None:
    parts = []
    for number, texts in enumerate(shares(ALL, 3)):
        source = tmp_path / f"input-{number}.json"
        source.write_text(json.dumps({"bundle": str(TINY_BUNDLE), "texts": texts}))
        parts.append(tmp_path / f"part-{number}.json")
        probe.main(source, parts[-1])
    join_answers(parts, tmp_path / "joined.json")
    assert len(parts) == 3
    assert compare("cortex-a72", CASES, TEXTS, answers, tmp_path / "joined.json").is_exact


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
def test_shares_are_neighbouring_and_about_as_long_as_each_other(count: int) -> None:
    sentences = read_sentences()[:50]
    parts = shares(sentences, count)
    assert [text for part in parts for text in part] == sentences
    sizes = [sum(len(text) + 2 for text in part) for part in parts]
    longest = max(len(text) + 2 for text in sentences)
    assert all(parts)
    assert min(count, len(sentences) // 2) <= len(parts) <= min(count, len(sentences))
    assert max(sizes) <= sum(sizes) / count + longest


def test_no_texts_are_one_share() -> None:
    assert shares([], 4) == [[]]
