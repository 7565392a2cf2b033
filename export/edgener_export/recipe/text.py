"""The text of a recipe with every default and override, as TOML that gives the same recipe again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from edgener.dataclass_json import to_plain
from edgener_export.recipe.settings import Recipe

BARE_KEY = re.compile("[A-Za-z0-9_-]+")


def recipe_as_toml(recipe: Recipe) -> str:
    """Return one ``table.key = value`` a line, as ``--set`` takes them."""
    return "".join(f"{key} = {toml_value(value)}\n" for key, value in flat_settings(to_plain(recipe)))


def flat_settings(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield ``table.key`` and the value of everything that is given in a table and in the tables within it."""
    for key, value in table.items():
        name = prefix + toml_key(key)
        if isinstance(value, dict):
            yield from flat_settings(value, f"{name}.")
        elif value is not None:
            yield name, value


def toml_key(key: str) -> str:
    """Return a key as TOML, in quotes where it needs them."""
    return key if BARE_KEY.fullmatch(key) else toml_value(key)


def toml_value(value: Any) -> str:
    """Return a value as TOML on one line; entries of tables that are None are left out."""
    if isinstance(value, dict):
        entries = (f"{toml_key(key)} = {toml_value(item)}" for key, item in value.items() if item is not None)
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
