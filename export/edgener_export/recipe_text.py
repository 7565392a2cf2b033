"""A recipe with every default and override, as a TOML file that gives the same recipe again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from edgener.records import to_plain
from edgener_export.recipe import Recipe


def recipe_as_toml(recipe: Recipe) -> str:
    """One ``table.key = value`` a line, as ``--set`` takes them."""
    return "".join(f"{key} = {_value(value)}\n" for key, value in _settings(to_plain(recipe), ""))


def _settings(table: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _settings(value, f"{prefix}{key}.")
        elif value is not None:
            yield prefix + key, value


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(item)}" for key, item in value.items() if item is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
