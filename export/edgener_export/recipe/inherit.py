"""The settings that a recipe leaves out and takes from the bundle that it starts from, and the bundle's lineage."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any

from edgener.built_in import bundle_directory
from edgener.bundle import MANIFEST, Manifest, Source, load_bundle
from edgener_export.recipe.settings import LineageSettings, Recipe

ROLE = "base weights"
"""The role in the lineage of the bundle that the training began with."""
NOTE = "the bundle that the training began with"
"""The beginning of the note on that bundle."""


def inherited(recipe: Recipe, given: Collection[str]) -> Recipe:
    """Return the recipe with what its checkpoint decides, if that is a bundle; ``given`` are the keys of ``[model]``.

    A bundle's vocabulary was pruned already, so all of it is kept; its aliases, span rules and longest row go on. The
    lineage names the bundle, unless the recipe does, and what it was made from, apart from what the recipe says in the
    same words; a bundle that goes on from itself again is named once. Raises BundleError for a bundle that is damaged.
    """
    directory = bundle_directory(recipe.model.checkpoint)
    if not (directory / MANIFEST).exists():
        return recipe
    manifest = load_bundle(directory).manifest
    of_bundle: dict[str, Any] = {
        "vocabulary": "all",
        "max_tokens": manifest.max_tokens,
        "aliases": manifest.aliases,
        "span_rules": manifest.span_rules,
    }
    model = replace(recipe.model, **{key: value for key, value in of_bundle.items() if key not in given})
    return replace(recipe, model=model, lineage=_lineage(recipe, manifest))


def _lineage(recipe: Recipe, manifest: Manifest) -> tuple[LineageSettings, ...]:
    names = {entry.name for entry in recipe.lineage}
    sources = [LineageSettings(**asdict(source)) for source in manifest.lineage if not _is_start(source, manifest.name)]
    start = LineageSettings(
        role=ROLE,
        name=manifest.name,
        license="those of its sources",
        note=f"{NOTE}; its sources follow",
    )
    begun_with = () if manifest.name in names else (start,)
    return (*begun_with, *(source for source in sources if source not in recipe.lineage), *recipe.lineage)


def _is_start(source: Source, name: str) -> bool:
    """Return True for the line that an earlier training from a bundle of this name has left."""
    return (source.role, source.name) == (ROLE, name) and source.note.startswith(NOTE)
