"""A recipe that asks for more than its checkpoint has is refused with all such faults, before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgener_export.errors import RecipeError
from edgener_export.recipe import read_recipe
from edgener_export.recipe.shape import CheckpointShape, layer_faults, read_shape, shape_faults

SHAPE = CheckpointShape(layers=3, heads=4, feed_forward=64, positions=128)


@pytest.fixture
def tiny(build_tiny: list[str]) -> Path:
    """The recipe of the tiny model, whose checkpoint has 1 layer, beside it."""
    return Path(build_tiny[1])


def test_the_shape_of_a_directory_is_read_from_its_config(tiny: Path) -> None:
    shape = read_shape(tiny.parent / "checkpoint")
    assert shape is not None
    assert shape.layers == 1


def test_a_directory_without_a_config_has_no_shape_yet(tmp_path: Path) -> None:
    assert read_shape(tmp_path) is None
    (tmp_path / "config.json").write_text("[]", encoding="utf-8")
    assert read_shape(tmp_path) is None


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("finetune.frozen_layers=40", "finetune.frozen_layers is 40; the model has 3 layers"),
        ("model.layers=4", "model.layers is 4; the checkpoint has 3 layers"),
        ("model.keep_layers=[1, 4]", "model.keep_layers names layer 4; the checkpoint has 1 to 3"),
        ("model.heads=4", "model.heads is 4; the checkpoint has 3 heads to keep at most"),
        ("model.feed_forward=64", "model.feed_forward is 64; the checkpoint has 63 neurons to keep at most"),
        ("model.max_tokens=129", "model.max_tokens is 129; the checkpoint has 128 positions"),
        (
            "distil={teacher='default', match_layers=[[4, 12]]}",
            "distil.match_layers has [4, 12]; expected a layer of the student, 1 to 3, and one of the teacher",
        ),
        ("model.layers=3", ""),
        ("model.heads=3", ""),
        ("finetune.frozen_layers=3", ""),
        ("model.max_tokens=128", ""),
    ],
)
def test_what_the_checkpoint_does_not_have_is_a_fault(tiny: Path, override: str, fault: str) -> None:
    recipe = read_recipe(tiny, [override], needs_models=False)
    assert list(shape_faults(recipe, SHAPE)) == ([fault] if fault else [])


def test_layers_are_counted_after_some_were_dropped(tiny: Path) -> None:
    recipe = read_recipe(tiny, ["model.keep_layers=[1, 3]", "finetune.frozen_layers=3"], needs_models=False)
    assert list(shape_faults(recipe, SHAPE)) == ["finetune.frozen_layers is 3; the model has 2 layers"]
    assert list(layer_faults(recipe, 3)) == []


def test_faults_of_the_shape_are_reported_with_all_others(tiny: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        read_recipe(tiny, ["finetune.frozen_layers=40", "model.max_tokens=9999", "finetune.epoch=3"])
    assert [line.partition(";")[0] for line in str(caught.value).splitlines()[1:]] == [
        "  - finetune.epoch is unknown",
        "  - model.max_tokens is 9999",
        "  - finetune.frozen_layers is 40",
    ]
