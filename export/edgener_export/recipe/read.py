"""A recipe is read from its TOML file and checked, without torch, onnx or transformers."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgener.dataclass_json import RecordError, from_plain
from edgener_export.errors import RecipeError
from edgener_export.recipe.bounds import table_faults
from edgener_export.recipe.settings import TEXT_RULE, Recipe


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in ``path`` with ``table.key=value`` overrides; values are TOML, or else plain text.

    Raises RecipeError that names the file and the key.
    """
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RecipeError(f"{path}: is not TOML: {error}") from error
    for override in overrides:
        _override(plain, override)
    try:
        recipe = from_plain(Recipe, plain)
    except RecordError as error:
        raise RecipeError(f"{path}: {error}") from error
    faults = list(table_faults(recipe))
    if not (recipe.finetune or recipe.distil or recipe.model.average):
        faults.append("has neither [finetune] nor [distil] nor [model.average]; nothing would be trained")
    if faults:
        raise RecipeError(f"{path}: {'; '.join(faults)}")
    vocabulary, packed = (beside(path, rule) for rule in (recipe.model.vocabulary, recipe.model.packed_vocabulary))
    return replace(recipe, model=replace(recipe.model, vocabulary=vocabulary, packed_vocabulary=packed))


def beside(recipe: Path, rule: str) -> str:
    """A vocabulary rule whose text, where it names one, is relative to the recipe."""
    return f"{TEXT_RULE}{recipe.parent / rule.removeprefix(TEXT_RULE)}" if rule.startswith(TEXT_RULE) else rule


def _override(plain: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator:
        raise RecipeError(f"--set {override}: expected table.key=value")
    *tables, name = key.split(".")
    table: Any = plain
    for part in tables:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise RecipeError(f"--set {override}: {part} is no table")
    try:
        table[name] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        table[name] = text
