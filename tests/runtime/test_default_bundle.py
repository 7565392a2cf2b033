"""The bundle that edgener brings is whole, small, and finds real names in real Chinese."""

from __future__ import annotations

from edgener import Recognizer
from edgener.bundle import DEFAULT_BUNDLE, load_bundle
from tests.support import ROOT, assert_consistent, run_main, run_measured

LARGEST_BUNDLE = 26_000_000
LARGEST_MEMORY = 120 * 1024
"""Kilobytes, for one sentence, interpreter and libraries included."""
IN_SAMPLE = {"李思远", "王海燕", "陈国栋", "成都", "上海市第六人民医院", "北京航空航天大学", "北京", "加拿大"}


def test_its_golden_cases_are_as_packed() -> None:
    finished = run_main("check")
    assert finished.code == 0, finished.errors
    assert finished.errors == ""


def test_it_is_small() -> None:
    manifest = load_bundle(DEFAULT_BUNDLE).manifest
    assert manifest.precision == "int8"
    assert sum(file.size for file in manifest.files.values()) <= LARGEST_BUNDLE


def test_it_says_what_it_was_made_from_and_what_it_scores() -> None:
    manifest = load_bundle(DEFAULT_BUNDLE).manifest
    assert {"base weights", "training data"} <= {source.role for source in manifest.lineage}
    fp32, int8 = manifest.quality
    assert (fp32.graph, int8.graph) == ("fp32", "int8")
    assert int8.sentences == 4631
    assert int8.f1 >= 84.0
    assert fp32.f1 - int8.f1 <= 0.5


def test_one_sentence_takes_little_memory() -> None:
    finished, peak = run_measured("王小明在北京大学工作。")
    assert [entity["text"] for entity in finished.rows[0]["entities"]] == ["王小明", "北京大学"]
    assert peak <= LARGEST_MEMORY


def test_the_sample_text_holds_people_places_and_organizations() -> None:
    recognizer = Recognizer.load()
    found = set()
    for line in (ROOT / "docs" / "sample.txt").read_text(encoding="utf-8").splitlines():
        entities = recognizer(line)
        assert_consistent(line, entities)
        found |= {entity.text for entity in entities}
    assert found >= IN_SAMPLE
