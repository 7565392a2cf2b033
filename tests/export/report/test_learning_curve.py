"""The learning curve says whether more labels would help, as far as the test entities can tell."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener_export.report.learning_curve import advice, standard_error
from edgener_export.report.record import CurvePoint


@pytest.mark.parametrize(
    ("scores", "entities", "message"),
    [
        (
            (60, 70, 80),
            400,
            "From 200 to 300 sentences F1 rose by 10.0 points, more than the 4.0.*labels will help",
        ),
        ((80, 80.3), 4000, "rose by 0.3 points, no more than the 1.3.*will hardly help"),
        ((80, 81), 50, "rose by 1.0 points, which 50 test entities cannot tell from chance.*label more"),
        ((80, 79), 4000, "fell by 1.0 points, no more"),
        ((80,), 4000, "There is no learning curve"),
    ],
)
def test_the_last_two_points_and_the_entities_decide(scores: tuple[float, ...], entities: int, message: str) -> None:
    points = [CurvePoint(100 * (number + 1), score) for number, score in enumerate(scores)]
    assert re.search(message, advice(points, entities))


@given(st.floats(0, 100), st.integers(0, 10**6))
def test_chance_never_vanishes(f1: float, entities: int) -> None:
    assert standard_error(f1, entities) > 0
