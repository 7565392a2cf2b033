"""A run is stale when anything changed that its trained weights depend on: every path setting, found by a walk."""

from __future__ import annotations

from pathlib import Path

from edgener_export.pipeline.fingerprint import Origin, origin_of
from edgener_export.pipeline.inputs import read_recipe_corpus
from edgener_export.recipe import Recipe, read_recipe
from edgener_export.recipe.settings import walk
from tests.export.all_paths import all_paths, recipe_with_all_paths

NOT_LEARNED_FROM = {"golden", "data.test", "model.packed_vocabulary"}
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


def test_every_other_setting_is_in_the_fingerprint(tmp_path: Path) -> None:
    path, overrides = recipe_with_all_paths(tmp_path)
    weights = [f"{table}.class_weights={{LOC = 2.0}}" for table in ("finetune", "distil")]
    recipe = read_recipe(path, [*overrides, *weights, "model.ngrams.pair_rows=7"])
    held = [f"{name}." for name in origin(recipe, tmp_path)]
    left_out = {
        name
        for name, _, _ in walk(recipe)
        if not any(key.startswith(f"{name}.") for key in held) and name.partition(".")[0] not in (*LATER, "data")
    }
    minutes = {f"{table}.save_minutes" for table in ("adapt", "finetune", "distil")}
    after = {"name", "limits", "lineage", "model.span_rules"}
    assert left_out == {*after, *minutes, *NOT_LEARNED_FROM} - {"data.test"}
