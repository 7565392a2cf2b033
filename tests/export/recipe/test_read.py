"""A recipe says exactly what is built, and a mistake in it is named by file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgener_export.errors import RecipeError
from edgener_export.recipe.read import read_recipe
from tests.support import DATA, ROOT

TINY = DATA / "tiny" / "recipe.toml"


@pytest.mark.parametrize("path", sorted((ROOT / "export" / "recipes").glob("*.toml")), ids=lambda path: path.stem)
def test_committed_recipes_are_readable(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.lineage
    assert (path.parent / recipe.golden).exists()


def test_overrides_win() -> None:
    recipe = read_recipe(TINY, ["finetune.epochs=7", "model.checkpoint=hfl/rbt3", 'name="x"', "quantize.smoothing=1"])
    assert recipe.finetune is not None
    assert (recipe.finetune.epochs, recipe.model.checkpoint, recipe.name) == (7, "hfl/rbt3", "x")
    assert recipe.quantize.smoothing == 1.0
    assert recipe.data == read_recipe(TINY).data


def test_an_override_may_begin_a_table() -> None:
    recipe = read_recipe(TINY, ["distil.teacher=t", "distil.epochs=1"])
    assert recipe.distil is not None
    assert (recipe.distil.teacher, recipe.distil.epochs) == ("t", 1)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("finetune.epoch=3", "finetune.epoch is unknown; known: epochs"),
        ("colour=3", "colour is unknown"),
        ("finetune.epochs=many", "finetune.epochs is 'many', expected int"),
        ("finetune.epochs=1.5", "finetune.epochs is 1.5, expected int"),
        ("model=3", "model is 3, expected dict"),
        ("scheme=XYZ", "scheme 'XYZ' is unknown; known: BIO, BIOES"),
        ("name", "--set name: expected table.key=value"),
        ("finetune.dev_every=0", "dev_every is 0; it must be at least 1"),
        ("finetune.dev_sentences=0", "dev_sentences is 0; it must be at least 1"),
        ("finetune.precision=fp16", "precision 'fp16' is unknown; known: bf16, fp32"),
        ("model.max_tokens=7", "model.max_tokens is 7; it must be at least 8"),
        ("name.first=x", "--set name.first=x: name is no table"),
    ],
)
def test_mistakes_are_named(override: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read_recipe(TINY, [override])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name = ", "is not TOML"),
        (b"\xff", "is not TOML"),
        (b'name = "x"', "model is missing"),
        (TINY.read_bytes().replace(b"[finetune]", b"[quantise]"), "quantise is unknown"),
        (TINY.read_bytes().partition(b"[finetune]")[0] + b"[[lineage]]", "lineage[0].role is missing"),
        (b"lineage = []\n" + TINY.read_bytes().partition(b"[finetune]")[0], "neither [finetune] nor [distil]"),
    ],
)
def test_files_that_are_no_recipe_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"none\.toml: cannot be read: No such file"):
        read_recipe(tmp_path / "none.toml")
