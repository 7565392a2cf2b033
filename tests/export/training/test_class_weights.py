"""Tags count in the loss as their types' weights say, else the more, the rarer the types are."""

from __future__ import annotations

import numpy as np
import pytest

from edgener.tags import TagSet
from edgener_export.errors import RecipeError
from edgener_export.training.batches import IGNORED, Example
from edgener_export.training.class_weights import tag_weights

TAG_SET = TagSet.of("BIO", ("LOC", "PER"))
ONE = Example(np.arange(6), np.array([IGNORED, 0, 0, 0, 1, IGNORED]))
OTHER = Example(np.arange(6), np.array([IGNORED, 0, 2, 3, 4, 4]))
"""Four tokens outside, two of LOC and three of PER in both."""


def test_all_tags_count_alike_unless_a_weight_is_asked_for() -> None:
    assert tag_weights({}, False, TAG_SET, [ONE]) is None


def test_tags_of_a_type_that_is_named_have_its_weight_and_others_one() -> None:
    weights = tag_weights({"PER": 3.0}, False, TAG_SET, [ONE])
    assert weights is not None
    assert weights.tolist() == [1.0, 1.0, 1.0, 3.0, 3.0]


def test_balanced_types_count_alike_in_all_examples_together() -> None:
    weights = tag_weights({}, True, TAG_SET, [ONE, OTHER])
    assert weights is not None
    assert weights.tolist() == pytest.approx([9 / 12, 9 / 6, 9 / 6, 9 / 9, 9 / 9])


def test_a_named_weight_goes_before_a_balanced_one() -> None:
    weights = tag_weights({"PER": 5.0, "O": 0.0}, True, TAG_SET, [ONE, OTHER])
    assert weights is not None
    assert weights.tolist() == pytest.approx([0.0, 1.5, 1.5, 5.0, 5.0])


def test_a_type_that_no_example_has_counts_one() -> None:
    weights = tag_weights({}, True, TAG_SET, [ONE])
    assert weights is not None
    assert weights.tolist() == pytest.approx([4 / 6, 2.0, 2.0, 1.0, 1.0])


def test_an_unknown_type_is_told_with_those_that_are_known() -> None:
    with pytest.raises(RecipeError) as raised:
        tag_weights({"LOC": 1.0, "GPE": 2.0}, False, TAG_SET, [ONE])
    assert str(raised.value) == "class_weights names 'GPE'; known: LOC, O, PER"
