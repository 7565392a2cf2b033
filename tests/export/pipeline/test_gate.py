"""The gate compares what was measured with what a recipe asks for, as finely as the test set can tell, and no finer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.bundle import Quality
from edgener_export.evaluation.score import Score
from edgener_export.pipeline.gate import check_figures, check_gate
from edgener_export.recipe.settings import GateSettings
from edgener_export.report.record import GateCheck

MANY = 100_000
"""Entities of a test set that tells the smallest difference that is shown."""


def quality(graph: str, f1: float) -> Quality:
    """A score of 100 sentences."""
    return Quality("some test", 100, graph, f1, f1, f1)


def failures(checks: tuple[GateCheck, ...]) -> list[str]:
    """Return the messages of the checks that failed."""
    return [check.failure for check in checks if check.failure]


def test_a_loss_of_just_what_the_gate_allows_passes() -> None:
    """The gate compares rounded figures, because 91.05 - 91.02 is more than 0.03 in binary fractions."""
    before, after = quality("fp32", 91.05), quality("int8", 91.02)
    assert failures(check_gate(GateSettings(loss=0.03), before, after, MANY, 0)) == []
    assert failures(check_gate(GateSettings(loss=0.02), before, after, MANY, 0)) == [
        "quantization costs 0.03 points of F1, more than 0.02 by 10.0 of 100000 entities"
    ]


def test_a_loss_of_less_than_one_entity_passes_and_is_told() -> None:
    """The case of a user with 65 entities, each of which counts 1.54 points."""
    checks = check_gate(GateSettings(loss=0.5), quality("fp32", 90.86), quality("int8", 90.0), 65, 0)
    assert failures(checks) == []
    assert checks[1].measured == "0.86 points (missed by less than one of 65 entities, which does not count)"


def test_a_loss_of_more_than_one_entity_fails_and_tells_how_many() -> None:
    checks = check_gate(GateSettings(loss=0.5), quality("fp32", 92.1), quality("int8", 90.0), 65, 0)
    assert failures(checks) == ["quantization costs 2.10 points of F1, more than 0.50 by 1.0 of 65 entities"]


@pytest.mark.parametrize(("entities", "fails"), [(0, True), (19, False), (20, True), (2000, True)])
def test_an_f1_is_compared_as_finely_as_the_entities_tell(entities: int, fails: bool) -> None:
    checks = check_figures(GateSettings(f1=90.0), 85.0, 0.0, entities, 0)
    assert bool(failures(checks)) == fails
    assert ("missed by less than one" in checks[0].measured) != fails


@pytest.mark.parametrize("entities", [1, 5, 19, MANY])
def test_a_model_that_finds_nothing_fails_however_few_entities_there_are(entities: int) -> None:
    nothing = quality("fp32", 0.0), quality("int8", 0.0)
    assert failures(check_gate(GateSettings(f1=5.0), *nothing, entities, 0)) == [
        f"int8 finds none of {entities} entities"
    ]
    assert failures(check_gate(GateSettings(f1=0.0), *nothing, entities, 0)) == []


def test_the_score_and_the_loss_of_the_graph_for_gpus_are_checked_likewise() -> None:
    gate = GateSettings(f1=90.0, loss=0.5)
    few, many = (
        check_gate(gate, quality("fp32", 90.4), quality("int8", 90.4), entities, 0, quality("fp16", 89.8))
        for entities in (65, MANY)
    )
    assert failures(few) == []
    assert failures(many) == [
        "F1 89.80 of fp16 is below 90.00 by 200.0 of 100000 entities",
        "fp16 costs 0.60 points of F1, more than 0.50 by 100.0 of 100000 entities",
    ]


def test_the_size_does_not_depend_on_the_entities() -> None:
    assert failures(check_figures(GateSettings(megabytes=1.0), 90.0, 0.0, 1, 1_200_000)) == ["1.2 MB are more than 1.0"]


@given(st.integers(10, 1000), st.data())
def test_one_entity_fewer_does_not_fail_a_gate_that_was_just_met(expected: int, data: st.DataObject) -> None:
    """True of models that find at least half of the entities: below, one entity moves F1 by more than its share."""
    correct = data.draw(st.integers(expected // 2 + 1, expected))
    before, after = (round(Score(found, found, expected).f1, 2) for found in (correct, correct - 1))
    loss = round(before - after, 2)
    assert failures(check_figures(GateSettings(f1=before, loss=0.0), after, loss, expected, 0)) == []


@given(st.integers(4, 1000), st.data())
def test_three_entities_fewer_fail_a_gate_that_was_just_met(expected: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(3, expected))
    before, after = (round(Score(found, found, expected).f1, 2) for found in (correct, correct - 3))
    loss = round(before - after, 2)
    assert len(failures(check_figures(GateSettings(f1=before, loss=0.0), after, loss, expected, 0))) == 2
