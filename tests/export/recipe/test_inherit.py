"""A recipe that starts from a bundle takes over what it does not say itself, and names the bundle in its lineage."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from edgener.bundle import load_bundle
from edgener.normalization import normalization_of
from edgener_export.errors import RecipeError
from edgener_export.recipe import Recipe, read_recipe
from edgener_export.recipe.settings import LineageSettings
from tests.support import TINY_BUNDLE, change_manifest, replace_file

RECIPE = """
name = "x"
golden = "data.jsonl"

[data]
train = "data.jsonl"
dev = "data.jsonl"
test = "data.jsonl"

[finetune]

[[lineage]]
role = "training data"
name = "own sentences"
license = "private"
note = "a note"
"""
OWN = LineageSettings("training data", "own sentences", "private", "a note")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the tiny bundle with a normalization and short rows."""
    copy = Path(shutil.copytree(TINY_BUNDLE, tmp_path / "bundle"))
    change_manifest(copy, max_tokens=32, normalization=normalization_of(["dots"], ["whole_words"]))
    return copy


def read(directory: Path, model: str, lineage: str = "") -> Recipe:
    """A recipe that starts from ``bundle``, with more lines in its table ``[model]``."""
    (directory / "data.jsonl").touch()
    path = directory / "recipe.toml"
    path.write_text(f'{RECIPE}{lineage}\n[model]\ncheckpoint = "bundle"\n{model}', encoding="utf-8")
    return read_recipe(path)


def test_what_the_recipe_leaves_out_is_that_of_the_bundle(bundle: Path) -> None:
    model = read(bundle.parent, "").model
    assert (model.vocabulary, model.max_tokens) == ("all", 32)
    assert (model.aliases, model.span_rules) == (("dots",), ("whole_words",))
    assert model.packed_vocabulary == "all"


def test_what_the_recipe_says_is_kept(bundle: Path) -> None:
    model = read(bundle.parent, 'vocabulary = "gb2312"\nmax_tokens = 16\naliases = []\nspan_rules = []\n').model
    assert (model.vocabulary, model.max_tokens, model.aliases, model.span_rules) == ("gb2312", 16, (), ())


def test_the_lineage_names_the_bundle_and_everything_that_it_was_made_from(bundle: Path) -> None:
    of_bundle = [LineageSettings(**asdict(source)) for source in load_bundle(bundle).manifest.lineage]
    assert [source.name for source in of_bundle] == ["random", "sentences with invented names"]
    start = LineageSettings(
        "base weights",
        "tiny-int8",
        "those of its sources",
        "the bundle that the training began with; its sources follow",
    )
    assert read(bundle.parent, "").lineage == (start, *of_bundle, OWN)


def test_a_recipe_that_names_the_bundle_itself_keeps_its_own_words(bundle: Path) -> None:
    words = '[[lineage]]\nrole = "base weights"\nname = "tiny-int8"\nlicense = "MIT"\nnote = "mine"\n'
    lineage = read(bundle.parent, "", words).lineage
    assert [entry for entry in lineage if entry.name == "tiny-int8"] == [
        LineageSettings("base weights", "tiny-int8", "MIT", "mine")
    ]
    assert len(lineage) == 4


def test_data_of_another_license_note_or_role_is_not_taken_for_that_of_the_bundle(bundle: Path) -> None:
    of_bundle = LineageSettings("training data", "own sentences", "MIT", "96 labelled sentences")
    change_manifest(bundle, lineage=[asdict(of_bundle), asdict(OWN)])
    start, *rest = read(bundle.parent, "").lineage
    assert start.name == "tiny-int8"
    assert rest == [of_bundle, OWN]


def test_a_damaged_bundle_is_a_fault_of_the_recipe(bundle: Path) -> None:
    (bundle / "tokenizer.json").write_bytes(b"{}")
    with pytest.raises(RecipeError, match=r"recipe\.toml: model\.checkpoint: .*tokenizer\.json"):
        read(bundle.parent, "")
    replace_file(bundle, "tokenizer.json", b"{}")
    assert read(bundle.parent, "").model.vocabulary == "all"


def test_other_checkpoints_leave_a_recipe_as_it_is(bundle: Path) -> None:
    (bundle / "manifest.json").unlink()
    recipe = read(bundle.parent, "")
    assert (recipe.model.vocabulary, recipe.model.max_tokens, recipe.model.aliases) == ("chinese", 128, ())
    assert recipe.lineage == (OWN,)


@pytest.mark.parametrize("name", ["small", "default"])
def test_the_built_in_bundle_has_two_names(bundle: Path, name: str) -> None:
    read(bundle.parent, "")
    recipe = read_recipe(bundle.parent / "recipe.toml", [f"model.checkpoint={name}", f"distil.teacher={name}"])
    assert recipe.model.checkpoint == "default"
    assert recipe.distil is not None
    assert recipe.distil.teacher == "default"
    assert recipe.model.vocabulary == "all"
    assert recipe.lineage[0].name == load_bundle("default").manifest.name


def test_a_type_is_not_named_like_the_text_outside_of_names(bundle: Path) -> None:
    read(bundle.parent, "")
    with pytest.raises(RecipeError, match=r'data\.types makes a type of O; write "" to drop a type'):
        read_recipe(bundle.parent / "recipe.toml", ['data.types={TITLE = "O"}'])


def test_a_bundle_that_goes_on_from_itself_again_is_named_once(bundle: Path) -> None:
    of_bundle = [LineageSettings(**asdict(source)) for source in load_bundle(bundle).manifest.lineage]
    before = LineageSettings("base weights", "tiny-int8", "MIT", "the bundle that the training began with, made from x")
    change_manifest(bundle, lineage=[asdict(source) for source in (before, *of_bundle)])
    start, *rest = read(bundle.parent, "").lineage
    assert (start.name, start.note) == ("tiny-int8", "the bundle that the training began with; its sources follow")
    assert rest == [*of_bundle, OWN]


def test_what_a_bundle_says_in_its_own_words_of_its_namesake_is_kept_with_its_license(bundle: Path) -> None:
    words = LineageSettings("base weights", "tiny-int8", "MIT", "mine")
    change_manifest(bundle, lineage=[asdict(words)])
    start, *rest = read(bundle.parent, "").lineage
    assert (start.license, rest) == ("those of its sources", [words, OWN])
