"""The reference page of recipes, written from the settings themselves: docs/recipe.md holds it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_args, get_origin

from edgener_export.recipe.settings import Key, PathKind, TrainSettings, keys_of, table_of, tables

INTRODUCTION = """\
# Recipe reference

A recipe is a TOML file that describes one model; `edgener-export build RECIPE` makes it. This page lists every key that
a recipe may have. `edgener-export settings` prints it from the code, and a test compares the two.
`--set TABLE.KEY=VALUE` changes a key for one run. [Train your own model](training.md) explains when to change what.

Every path is relative to the recipe's own file. All mistakes in a recipe are reported at once, before anything is
loaded. The tables `[adapt]`, `[finetune]` and `[distil]` also have the keys of the last section, and `[distil]` has
those of `[finetune]` too.
"""
HEAD = ("key", "type", "default", "unit", "allowed", "meaning")
PLAIN_TYPES = {str: "text", int: "integer", float: "number", bool: "true or false"}
PATH_TYPES = {
    PathKind.FILE: "path of a file",
    PathKind.MODEL: "path or name of a model",
    PathKind.CHECKPOINT: "path or name of a model",
    PathKind.VOCABULARY: "rule",
}


def reference() -> str:
    """Return the reference page as Markdown."""
    listed = list(tables())
    shared = _section("Keys of `[adapt]`, `[finetune]` and `[distil]`", TrainSettings)
    sections = [_section(_heading(listed, name), kind) for name, kind in listed]
    return "\n".join([INTRODUCTION, *sections, shared])


def _section(heading: str, kind: Any) -> str:
    parent = kind.__mro__[1]
    inherited = {field.name for field in fields(parent)} if is_dataclass(parent) else set()
    own = [key for key in keys_of(kind) if key.name not in inherited]
    return "\n".join([f"## {heading}", "", _sentence(kind), "", *_rows(own), ""])


def _heading(listed: list[tuple[str, Any]], name: str) -> str:
    if not name:
        return "The top level"
    holder, _, key = name.rpartition(".")
    holder_kind = next(kind for table, kind in listed if table == holder)
    is_list = next(get_origin(each.type) is tuple for each in keys_of(holder_kind) if each.name == key)
    return f"`[[{name}]]`" if is_list else f"`[{name}]`"


def _sentence(kind: Any) -> str:
    """Return the first paragraph of a docstring, with Markdown's marks of code."""
    text = " ".join(kind.__doc__.partition("\n\n")[0].split())
    return text.replace("``", "`")


def _rows(keys: list[Key]) -> Iterator[str]:
    yield f"| {' | '.join(HEAD)} |"
    yield "|" + "---|" * len(HEAD)
    for key in keys:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in _cells(key))} |"


def _cells(key: Key) -> tuple[str, ...]:
    setting = key.setting
    return (
        f"`{key.name}`",
        PATH_TYPES[setting.path] if setting.path and key.type is str else _type(key),
        _default(key),
        setting.unit,
        _allowed(key),
        setting.doc,
    )


def _type(key: Key) -> str:
    if table_of(key.type):
        return "tables" if get_origin(key.type) is tuple else "table"
    if key.setting.path:
        return f"list: {PATH_TYPES[key.setting.path]}"
    return _words(key.type)


def _words(type_: Any) -> str:
    if get_origin(type_) is tuple:
        return f"list: {_words(get_args(type_)[0])}"
    if get_origin(type_) is dict:
        return f"table: {_words(get_args(type_)[1])} for each name"
    return PLAIN_TYPES[type_]


def _default(key: Key) -> str:
    if key.default is MISSING:
        return "required"
    if table_of(key.type):
        return "its defaults" if key.default else "none"
    if key.default in ("", (), {}):
        return "none"
    return f"`{json.dumps(key.default)}`"


def _allowed(key: Key) -> str:
    setting = key.setting
    bounds = (("at least", setting.at_least), ("above", setting.above), ("at most", setting.at_most))
    named = [f"{words} {bound}" for words, bound in bounds if bound is not None]
    return ", ".join([*(f"`{choice}`" for choice in setting.choices), *named])
