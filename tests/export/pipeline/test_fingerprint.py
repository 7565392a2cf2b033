"""A run is stale when anything changed that its trained weights depend on: every path setting, found by a walk."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edgener_export.errors import CheckpointError
from edgener_export.pipeline.fingerprint import (
    ORIGIN,
    Origin,
    claim,
    origin_of,
    origin_of_model,
    source_of,
    verify_trained_by,
)
from edgener_export.pipeline.inputs import read_recipe_corpus
from edgener_export.recipe import Recipe, read_recipe
from edgener_export.recipe.settings import walk
from tests.export.all_paths import all_paths, recipe_with_all_paths

NOT_LEARNED_FROM = {"golden", "lineage_files", "data.test", "model.packed_vocabulary"}
"""The only paths that the trained weights do not depend on."""
LATER = ("quantize", "gpu", "gate")
"""The tables of what comes after the training."""


def origin(recipe: Recipe, cache: Path) -> Origin:
    """The origin of a run with the sentences that the recipe names."""
    return origin_of(recipe, read_recipe_corpus(recipe, cache))


def test_another_content_of_any_path_makes_a_run_stale(tmp_path: Path) -> None:
    path, overrides = recipe_with_all_paths(tmp_path)
    recipe = read_recipe(path, overrides)
    before = origin(recipe, tmp_path)
    stale = set()
    for name, named in all_paths(tmp_path).items():
        file = named / "config.json" if named.is_dir() else named
        text = file.read_text(encoding="utf-8")
        file.write_text(text + text, encoding="utf-8")
        now = origin(recipe, tmp_path)
        changed = {key for key in now if now[key] != before.get(key)}
        assert changed <= {name, "data"}
        if changed:
            stale.add(name)
        file.write_text(text, encoding="utf-8")
    assert origin(recipe, tmp_path) == before
    assert stale == set(all_paths(tmp_path)) - NOT_LEARNED_FROM


def begun_without(name: str, origin: Origin, run: Path) -> Path:
    """Return a run that an older version began, which did not know the setting ``name``."""
    (run / "model").mkdir(parents=True)
    assert name in origin
    (run / ORIGIN).write_text(json.dumps({key: value for key, value in origin.items() if key != name}))
    return run


@pytest.mark.parametrize(
    ("name", "default", "other"),
    [
        ("scheme", "BIOES", "BIO"),
        ("model.widen", 1, 2),
        ("model.ngrams.pair_width", 64, 32),
        ("model.aliases", [], ["dots"]),
        ("finetune.layer_decay", 1.0, 0.9),
        ("distil.temperature", 2.0, 1.0),
    ],
)
def test_a_run_of_a_version_without_a_setting_goes_on_with_its_default_alone(
    tmp_path: Path, name: str, default: object, other: object
) -> None:
    path, overrides = recipe_with_all_paths(tmp_path)
    plain = [*overrides, "model.ngrams.token_width=32"]
    recipe = read_recipe(path, plain)
    changed = read_recipe(path, [*plain, f"{name}={json.dumps(other)}"])
    was = origin(recipe, tmp_path)
    assert json.loads(json.dumps(was[name])) == default
    run = begun_without(name, was, tmp_path / "run")
    claim(run, was)
    with pytest.raises(CheckpointError, match=f"begun with another {name} ") as caught:
        claim(run, origin(changed, tmp_path))
    assert f"({json.dumps(default)}, now {json.dumps(other)})" in str(caught.value)


def test_a_run_without_the_models_that_it_began_with_is_compared_by_its_sentences(tmp_path: Path) -> None:
    path, overrides = recipe_with_all_paths(tmp_path)
    recipe = read_recipe(path, overrides)
    corpus = read_recipe_corpus(recipe, tmp_path)
    run = tmp_path / "run"
    claim(run, origin_of(recipe, corpus))
    verify_trained_by(recipe, corpus, run)
    other = replace(recipe, scheme="BIO")
    with pytest.raises(CheckpointError, match="begun with another scheme "):
        verify_trained_by(other, corpus, run)
    shutil.rmtree(Path(recipe.model.checkpoint))
    verify_trained_by(other, corpus, run)
    with pytest.raises(CheckpointError, match="begun with another data "):
        verify_trained_by(other, replace(corpus, train=[]), run)


def test_a_run_whose_model_was_trained_elsewhere_has_no_recipe_to_compare(tmp_path: Path) -> None:
    path, overrides = recipe_with_all_paths(tmp_path)
    recipe = read_recipe(path, overrides)
    claim(tmp_path / "run", origin_of_model(tmp_path))
    verify_trained_by(recipe, read_recipe_corpus(recipe, tmp_path), tmp_path / "run")


def test_a_model_that_was_moved_is_the_same_and_one_that_is_gone_is_told(tmp_path: Path) -> None:
    run, model = tmp_path / "run", tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}", encoding="utf-8")
    assert source_of(run) is None
    claim(run, origin_of_model(model))
    assert source_of(run) == model
    (run / "model").mkdir()
    moved = model.rename(tmp_path / "moved")
    with pytest.raises(CheckpointError, match="does not say where the model of this run lies now"):
        source_of(run)
    claim(run, origin_of_model(moved))
    assert source_of(run) == moved
    (run / ORIGIN).write_text('{"trained": "a digest"}', encoding="utf-8")  # as an earlier version wrote it
    with pytest.raises(CheckpointError, match="build it once more with --trained"):
        source_of(run)


def test_a_table_that_a_run_was_begun_without_is_refused_even_with_defaults_alone(tmp_path: Path) -> None:
    path, overrides = recipe_with_all_paths(tmp_path)
    was = origin(read_recipe(path, overrides), tmp_path)
    (tmp_path / "run" / "model").mkdir(parents=True)
    claim(tmp_path / "run", was)
    (tmp_path / "run" / ORIGIN).write_text(json.dumps(was))
    now = origin(read_recipe(path, [*overrides, "model.ngrams.token_width=128"]), tmp_path)
    with pytest.raises(CheckpointError, match=r"begun with another model\.ngrams\."):
        claim(tmp_path / "run", now)


def test_every_other_setting_is_in_the_fingerprint(tmp_path: Path) -> None:
    path, overrides = recipe_with_all_paths(tmp_path)
    weights = [f"{table}.class_weights={{LOC = 2.0}}" for table in ("finetune", "distil")]
    recipe = read_recipe(path, [*overrides, *weights, "model.types={LOC = 'LOC'}", "model.ngrams.pair_rows=7"])
    held = [f"{name}." for name in origin(recipe, tmp_path)]
    left_out = {
        name
        for name, _, _ in walk(recipe)
        if not any(key.startswith(f"{name}.") for key in held) and name.partition(".")[0] not in (*LATER, "data")
    }
    minutes = {f"{table}.save_minutes" for table in ("adapt", "finetune", "distil")}
    after = {"name", "limits", "lineage", "model.span_rules"}
    assert left_out == {*after, *minutes, *NOT_LEARNED_FROM} - {"data.test"}
