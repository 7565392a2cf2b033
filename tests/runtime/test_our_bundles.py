"""The bundles of the repository are whole, small, and find real names in real Chinese."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from edgener import Recognizer
from edgener.built_in import BUILT_IN
from edgener.bundle import load_bundle
from tests.support import ROOT, assert_consistent, labelled_texts, run_main, run_measured


class Promise(NamedTuple):
    """The figures that a bundle must reach."""

    bytes: int
    f1: float
    kilobytes: int
    """Most memory for one sentence, interpreter and libraries included."""
    sentences: int = 4631
    """Test sentences that F1 was measured on; those of MSRA unless the bundle has types that MSRA does not label."""


PROMISES = {
    BUILT_IN: Promise(8_000_000, 91.5, 105 * 1024),
    str(ROOT / "bundles/nano"): Promise(8_000_000, 90.0, 105 * 1024),
    str(ROOT / "bundles/pico"): Promise(8_000_000, 90.0, 105 * 1024),
    str(ROOT / "bundles/small-time"): Promise(8_000_000, 85.0, 105 * 1024, sentences=1200),
    str(ROOT / "bundles/deep"): Promise(26_000_000, 91.0, 120 * 1024),
    str(ROOT / "bundles/base"): Promise(30_000_000, 90.0, 125 * 1024),
}
IN_SAMPLE = {"李思远", "王海燕", "陈国栋", "成都", "上海市第六人民医院", "北京航空航天大学", "北京", "加拿大"}

every_bundle = pytest.mark.parametrize("name", PROMISES)


@every_bundle
def test_its_golden_cases_are_as_packed(name: str) -> None:
    finished = run_main("check", name)
    assert finished.code == 0, finished.errors
    assert finished.errors == ""


@every_bundle
def test_it_is_small(name: str) -> None:
    manifest = load_bundle(name).manifest
    assert manifest.precision == "int8"
    assert manifest.size <= PROMISES[name].bytes


@every_bundle
def test_it_says_what_it_was_made_from_and_what_it_scores(name: str) -> None:
    manifest = load_bundle(name).manifest
    assert {"base weights", "training data"} <= {source.role for source in manifest.lineage}
    fp32, int8 = manifest.quality
    assert (fp32.graph, int8.graph) == ("fp32", "int8")
    assert int8.sentences == PROMISES[name].sentences
    assert int8.f1 >= PROMISES[name].f1
    assert fp32.f1 - int8.f1 <= 0.3


@every_bundle
def test_one_sentence_takes_little_memory(name: str) -> None:
    finished, peak = run_measured("--model", name, "王小明在北京大学工作。")
    assert [entity["text"] for entity in finished.rows[0]["entities"]] == ["王小明", "北京大学"]
    assert peak <= PROMISES[name].kilobytes


@every_bundle
def test_a_text_has_the_same_answer_alone_and_in_any_batch(name: str) -> None:
    texts = [row.text for row in labelled_texts()[::9]] + (ROOT / "docs" / "sample.txt").read_text("utf-8").split("\n")
    alone = list(map(Recognizer.load(name), texts))
    for batch_size in (3, 32):
        assert list(Recognizer.load(name, batch_size=batch_size).batch(texts)) == alone


@every_bundle
def test_the_sample_text_holds_people_places_and_organizations(name: str) -> None:
    recognizer, labels = Recognizer.load(name), load_bundle(name).manifest.tag_set.labels
    found = set()
    for line in (ROOT / "docs" / "sample.txt").read_text(encoding="utf-8").splitlines():
        entities = recognizer(line)
        assert_consistent(line, entities, labels)
        found |= {entity.text for entity in entities}
    assert found >= IN_SAMPLE
