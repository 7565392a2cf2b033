"""Values are written as TOML that is read as the same values."""

from __future__ import annotations

import math
import tomllib

import pytest

from edgener_export.recipe.text import toml_value


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e-5, 1e300, [0.5, math.inf], {"a b": math.inf}, "\x7f"])
def test_a_value_is_read_as_it_was_written(value: object) -> None:
    assert tomllib.loads(f"value = {toml_value(value)}") == {"value": value}


def test_what_is_not_a_number_stays_that() -> None:
    assert math.isnan(tomllib.loads(f"value = {toml_value(math.nan)}")["value"])
