"""A calibration changes scores alone, keeps their order, and travels in the manifest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener import Recognizer, Rules
from edgener.bundle import GOLDEN, Manifest, load_bundle
from edgener.errors import ManifestError
from edgener.golden import check_case, read_cases
from edgener.score_calibration import NEAREST, CalibratedSet, Calibration
from tests.support import change_manifest, labelled_texts, names, read_manifest, run_main

SCORES = st.floats(0, 1)
TEMPERATURES = st.floats(0.05, 20)
OFFSETS = st.floats(-10, 10)
HALVED = Calibration(2.0, -1.0, (CalibratedSet("all", 50, 80.0, 12.5, 2.25),))


@given(TEMPERATURES, OFFSETS, st.lists(SCORES, min_size=2))
def test_calibrated_scores_are_probabilities_in_the_order_of_the_model_s(
    temperature: float, offset: float, scores: list[float]
) -> None:
    calibration = Calibration(temperature, offset, ())
    calibrated = [calibration.calibrated(score) for score in sorted(scores)]
    assert all(0 <= score <= 1 for score in calibrated)
    assert calibrated == sorted(calibrated)


@given(st.floats(0.5, 4), st.floats(-2, 2), st.floats(0.001, 0.999))
def test_the_model_s_own_score_comes_back(temperature: float, offset: float, score: float) -> None:
    calibration = Calibration(temperature, offset, ())
    assert calibration.own(calibration.calibrated(score)) == pytest.approx(score, abs=1e-2)


def test_odds_are_scaled_and_moved() -> None:
    assert Calibration(1.0, 0.0, ()).calibrated(0.9) == pytest.approx(0.9)
    assert Calibration(2.0, 0.0, ()).calibrated(0.9) == pytest.approx(0.75)  # odds of 9 become odds of 3
    assert HALVED.calibrated(0.5) == pytest.approx(1 / (1 + 2.718281828459045))
    assert Calibration(1.0, 0.0, ()).calibrated(1.0) == pytest.approx(1 - NEAREST)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_that_loses_the_order_of_scores_is_refused(temperature: float) -> None:
    with pytest.raises(ManifestError, match="must be a number above 0"):
        Calibration(temperature, 0.0, ())
    with pytest.raises(ManifestError, match="must be a finite number"):
        Calibration(1.0, temperature if temperature != temperature else float("inf"), ())


def test_a_bundle_s_scores_are_calibrated_and_its_entities_stay(bundle: Path) -> None:
    texts = [row.text for row in labelled_texts()]
    plain = list(Recognizer.load(bundle).batch(texts))
    change_manifest(bundle, calibration=HALVED)
    calibrated = Recognizer.load(bundle)
    for before, after in zip(plain, calibrated.batch(texts), strict=True):
        assert names(after) == names(before)
        assert [entity.score for entity in after] == [HALVED.calibrated(entity.score) for entity in before]
        assert all(one.score < other.score for one, other in zip(after, before, strict=True))
    assert any(plain)


def test_thresholds_see_calibrated_scores_and_words_of_a_dictionary_stay_certain(bundle: Path) -> None:
    change_manifest(bundle, calibration=HALVED)
    text = "王小明在青山大学工作。"
    highest = max(entity.score for entity in Recognizer.load(bundle)(text))
    assert highest < 0.99
    assert Recognizer.load(bundle, rules=Rules(min_score=0.99))(text) == []
    (forced,) = Recognizer.load(bundle, rules=Rules({"青山大学": "ORG"}, min_score=0.99))(text)
    assert forced.score == 1.0


@pytest.mark.parametrize(("difference", "is_same"), [(0.004, True), (-0.2, False)])
def test_golden_cases_are_compared_by_the_model_s_own_scores(bundle: Path, difference: float, is_same: bool) -> None:
    steep = Calibration(0.3, -16.0, ())
    (case, *_) = [case for case in read_cases(bundle / GOLDEN) if case.entities]
    other = [replace(it, score=steep.calibrated(it.score + difference)) for it in case.entities]
    change_manifest(bundle, calibration=steep)
    outcome = check_case(Recognizer.load(bundle), replace(case, entities=tuple(other)))
    assert abs(outcome.found[0].score - other[0].score) > 0.1
    assert outcome.same_entities is is_same


def test_the_manifest_holds_it_and_one_without_it_is_as_before(bundle: Path) -> None:
    before = read_manifest(bundle).to_json()
    assert "calibration" not in before
    change_manifest(bundle, calibration=HALVED)
    assert load_bundle(bundle).manifest.calibration == HALVED
    assert isinstance(read_manifest(bundle), Manifest)
    change_manifest(bundle, calibration=None)
    assert read_manifest(bundle).to_json() == before


def test_inspect_tells_of_it(bundle: Path) -> None:
    assert "the model's own probabilities, not calibrated" in run_main("inspect", str(bundle)).output.decode()
    change_manifest(bundle, calibration=HALVED)
    output = run_main("inspect", str(bundle)).output.decode()
    assert "calibrated, temperature 2.000, offset -1.000" in output
    assert "expected calibration error 12.5 % before, 2.2 % after" in output
