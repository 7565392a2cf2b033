"""A recipe says exactly what is built, and a mistake in it is named by file and key."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgener_export.errors import RecipeError
from edgener_export.recipe.bounds import verify_settings
from edgener_export.recipe.read import read_recipe
from edgener_export.recipe.settings import DistilSettings
from tests.support import DATA, ROOT

TINY = (DATA / "tiny" / "recipe.toml").read_bytes()
RECIPES = ROOT / "export" / "recipes"


@pytest.fixture
def tiny(build_tiny: list[str]) -> Path:
    """The recipe of the tiny model, with everything that it names beside it."""
    return Path(build_tiny[1])


def faults_of(path: Path, overrides: Sequence[str] = ()) -> list[str]:
    """The faults that a recipe is refused for."""
    with pytest.raises(RecipeError) as caught:
        read_recipe(path, overrides)
    first, *more = str(caught.value).splitlines()
    if more:
        assert first == f"{path}: has {len(more)} faults:"
        return [line.removeprefix("  - ") for line in more]
    return [first.removeprefix(f"{path}: ")]


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_committed_recipes_are_readable(path: Path) -> None:
    recipe = read_recipe(path, needs_models=False)
    assert recipe.lineage
    assert Path(recipe.golden).exists()


def test_overrides_win(tiny: Path) -> None:
    recipe = read_recipe(tiny, ["finetune.epochs=7", "model.checkpoint=hfl/rbt3", 'name="x"', "quantize.smoothing=1"])
    assert recipe.finetune is not None
    assert (recipe.finetune.epochs, recipe.model.checkpoint, recipe.name) == (7, "hfl/rbt3", "x")
    assert recipe.quantize.smoothing == 1.0
    assert recipe.data == read_recipe(tiny).data


def test_an_override_may_begin_a_table(tiny: Path) -> None:
    recipe = read_recipe(tiny, ["distil.teacher=default", "distil.epochs=1"])
    assert recipe.distil is not None
    assert (recipe.distil.teacher, recipe.distil.epochs) == ("default", 1)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("finetune.epoch=3", "finetune.epoch is unknown; did you mean epochs?"),
        ("colour=3", "colour is unknown; known: name, model, data"),
        ("finetune.epochs=many", "finetune.epochs is 'many', expected int"),
        ("finetune.epochs=1.5", "finetune.epochs is 1.5, expected int"),
        ("model=3", "model is 3, expected a table"),
        ("scheme=XYZ", "scheme 'XYZ' is unknown; known: BIO, BIOES"),
        ("name", "--set name: expected table.key=value"),
        ("finetune.dev_every=0", "dev_every is 0; it must be at least 1"),
        ("finetune.dev_sentences=0", "dev_sentences is 0; it must be at least 1"),
        ("finetune.precision=fp16", "precision 'fp16' is unknown; known: auto, bf16, fp32"),
        ("model.max_tokens=7", "model.max_tokens is 7; it must be at least 8"),
        ("finetune.warmup=1.5", "finetune.warmup is 1.5; it must be at most 1"),
        ("finetune.layer_decay=0", "finetune.layer_decay is 0.0; it must be above 0"),
        ("lineage=[]", "lineage is empty"),
        ("lineage=[3]", "lineage[0] is 3, expected a table"),
        ("data.format=xml", "data.format 'xml' is unknown; known: auto"),
        ("adapt.epochs=1", "adapt.text is missing"),
        ("distil.epochs=1", "distil.teacher is missing"),
        ("distil.teachers=['default', 'no']", "distil.teachers: "),
        ("model.vocabulary=latin", "model.vocabulary: 'latin' is unknown; known: all, chinese, gb2312"),
        ('name=""', "name is ''; it may have letters, digits, hyphens, underscores and dots"),
        ("name=..", "name is '..'; it may have"),
        ("name=a/b", "name is 'a/b'; it may have"),
        ("gate.loss=inf", "gate.loss is inf; it must be a finite number"),
        ("gate.f1=nan", "gate.f1 is nan; it must be a finite number"),
        (f"gate.f1=1{400 * '0'}", "gate.f1 has 401 digits, too many for a float"),
        ("finetune.learning_rate=nan", "finetune.learning_rate is nan; it must be a finite number"),
        ("finetune.seed=-1", "finetune.seed is -1; it must be at least 0"),
        ("finetune.seed=12345678901234567890", "finetune.seed is 12345678901234567890; it must be at most 2147483647"),
        ("finetune.class_weights={PER = -1.0}", "finetune.class_weights.PER is -1.0; it must be at least 0"),
        ("finetune.class_weights={PER = inf}", "finetune.class_weights.PER is inf; it must be a finite number"),
        ("limits=2024-01-01", "limits is datetime.date(2024, 1, 1), expected str"),
        ("name.first=x", "--set name.first=x: name is no table"),
    ],
)
def test_mistakes_are_named(tiny: Path, override: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read_recipe(tiny, [override])
    assert message in str(caught.value)


def test_all_faults_are_reported_at_once(tiny: Path) -> None:
    overrides = [
        "name=3",
        "golden=none.txt",
        "scheme=XYZ",
        "model.checkpoint=runs/a/b",
        "model.frozen=4",
        "data.train=none.jsonl",
        "finetune.epochs=many",
        "finetune.patience=2",
        "finetune.average_last=0.5",
        "quantize.smoothing=2",
        "lineage=[{role='a', name='b', license='c'}]",
    ]
    directory = tiny.parent
    assert [fault.partition("; ")[0] for fault in faults_of(tiny, overrides)] == [
        "name is 3, expected str",
        "model.frozen is unknown",
        f"model.checkpoint: {directory}/runs/a/b: no such directory",
        f"data.train: {directory}/none.jsonl: no such file",
        "lineage[0].note is missing: How the source was made, or which part of it was used.",
        f"golden: {directory}/none.txt: no such file",
        "scheme 'XYZ' is unknown",
        "finetune.epochs is 'many', expected int",
        "finetune: patience keeps the best weights, average_last a mean of the last ones",
        "quantize.smoothing is 2.0",
    ]


def test_a_type_called_o_is_reported_beside_the_other_faults_of_its_table(tiny: Path) -> None:
    overrides = ["data={train = 'train.jsonl', types = {A = 'O'}}", "finetune.seed=-1", "gate.loss=nan"]
    assert faults_of(tiny, overrides) == [
        "data: name a corpus, or files for all of train, dev and test",
        'data.types makes a type of O; write "" to drop a type',
        "finetune.seed is -1; it must be at least 0",
        "gate.loss is nan; it must be a finite number",
    ]


@pytest.mark.parametrize("name", ["我的模型", "drugs-2", "v0.1_b"])
def test_a_name_is_one_of_a_directory(tiny: Path, name: str) -> None:
    assert read_recipe(tiny, [f"name={name}"]).name == name


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name = ", "is not TOML"),
        (b"\xff", "is not TOML"),
        (b'name = "x"', "model is missing"),
        (TINY.replace(b"[finetune]", b"[quantise]"), "quantise is unknown"),
        (TINY.partition(b"[finetune]")[0] + b"[[lineage]]", "lineage[0].role is missing"),
        (TINY.partition(b"[finetune]")[0], "has neither [finetune] nor [distil] nor [model.average]"),
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


def test_settings_without_a_recipe_are_verified_under_their_own_names() -> None:
    with pytest.raises(RecipeError, match=r"^epochs is 0; it must be at least 1; teacher is missing; name a bundle"):
        verify_settings(DistilSettings(epochs=0))


SHARED_SOURCE = '[[lineage]]\nrole = "names"\nname = "a list"\nlicense = "CC0-1.0"\nnote = "all of it"\n'


@pytest.fixture
def shared(tiny: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A recipe that names a file of sources beside it, and that file, which is not there yet."""
    recipe = shutil.copytree(tiny.parent, tmp_path / "recipes") / tiny.name
    recipe.write_text(f'lineage_files = ["shared.toml"]\n{recipe.read_text(encoding="utf-8")}', encoding="utf-8")
    return recipe, recipe.with_name("shared.toml")


def test_sources_that_recipes_share_follow_the_recipe_s_own(tiny: Path, shared: tuple[Path, Path]) -> None:
    recipe, file = shared
    file.write_text(SHARED_SOURCE, encoding="utf-8")
    *own, last = read_recipe(recipe).lineage
    assert tuple(own) == read_recipe(tiny).lineage
    assert (last.name, last.license) == ("a list", "CC0-1.0")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[[lineage", "is not TOML"),
        ("", "lineage is missing"),
        (SHARED_SOURCE.replace("note", "notes"), "lineage[0].notes is unknown; did you mean note?"),
        (f'name = "x"\n{SHARED_SOURCE}', "name is unknown"),
    ],
)
def test_faults_of_shared_sources_name_their_file(shared: tuple[Path, Path], text: str, fault: str) -> None:
    recipe, file = shared
    file.write_text(text, encoding="utf-8")
    first, *_ = faults_of(recipe)
    assert first.startswith(f"lineage_files: {file}: {fault}")


def test_a_file_of_shared_sources_that_is_missing_is_a_fault(shared: tuple[Path, Path]) -> None:
    recipe, file = shared
    assert faults_of(recipe) == [f"lineage_files: {file}: no such file"]
