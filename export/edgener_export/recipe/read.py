"""A recipe is read from its TOML file and checked, without torch, onnx or transformers."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgener_export.errors import RecipeError
from edgener_export.recipe.settings import Recipe
from edgener_export.recipe.tables import TableReader
from edgener_export.recipe.toml_file import read_toml


def read_recipe(path: Path, overrides: Sequence[str] = (), *, needs_models: bool = True) -> Recipe:
    """Read the recipe in ``path`` with ``table.key=value`` overrides, whose values are TOML or else plain text.

    Its paths, which are relative to ``path``, become relative to the working directory. Without ``needs_models`` the
    checkpoint and the teachers need not exist. Raises RecipeError that names the file and all faults by their keys.
    """
    plain = read_toml(path)
    for override in overrides:
        apply_override(plain, override)
    reader = TableReader(path.parent, needs_models=needs_models)
    recipe = reader.recipe(plain)
    if reader.faults:
        raise RecipeError(_in_lines(path, reader.faults))
    return recipe


def verify_tables(plain: Mapping[str, Any], path: Path, to_come: Collection[str]) -> None:
    """Raise RecipeError, as ``read_recipe``, for tables that would be a faulty recipe in ``path``.

    Of the files that they name, those ``to_come`` need not exist yet.
    """
    reader = TableReader(path.parent, needs_models=True, to_come=to_come)
    reader.recipe(plain)
    if reader.faults:
        raise RecipeError(_in_lines(f"{path} (not written)", reader.faults))


def _in_lines(path: Path | str, faults: Sequence[str]) -> str:
    """Return one line for one fault, and a list for several."""
    if len(faults) == 1:
        return f"{path}: {faults[0]}"
    return "\n".join([f"{path}: has {len(faults)} faults:", *(f"  - {fault}" for fault in faults)])


def apply_override(plain: dict[str, Any], override: str) -> None:
    """Set a value in the parsed tables of a recipe, as ``--set`` does. Raises RecipeError for one that is none."""
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
