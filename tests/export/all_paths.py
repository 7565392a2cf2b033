"""A recipe in which every setting that is a path names a file or a directory of its own, found by a walk over them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edgener_export.recipe.settings import TEXT_RULE, Key, PathKind, keys_of, tables

FOLDER = "all/paths"
"""The folder beside the recipe that holds everything; two levels deep, so that no path looks like a name on the hub."""
REST = """
name = "x"
[model]
[[lineage]]
role = "a"
name = "b"
license = "c"
note = "d"
"""
ROW = '{"text": "北京", "entities": [{"start": 0, "end": 2, "label": "LOC"}]}\n'
"""The content of most files: labelled, so that it can be trained on."""
NAME = "LOC\t北京\n"
"""The content of lists of names."""
SOURCE = '[[lineage]]\nrole = "e"\nname = "f"\nlicense = "g"\nnote = "h"\n'
"""The content of files of sources."""
TEMPLATES = "sentence\t{LOC=city}很大\ncity\t北京\n"
"""The content of grammars."""


def recipe_with_all_paths(directory: Path) -> tuple[Path, list[str]]:
    """Write the recipe and everything that it names; the recipe and the overrides to read it with."""
    path = directory / "recipe.toml"
    path.write_text(REST, encoding="utf-8")
    (directory / FOLDER).mkdir(parents=True)
    overrides = []
    for name, key in _path_keys():
        named = directory / FOLDER / name
        if key.setting.path in (PathKind.MODEL, PathKind.CHECKPOINT):
            named.mkdir()
            (named / "config.json").write_text("{}", encoding="utf-8")
        else:
            named.write_text(_content_of(key), encoding="utf-8")
        rule = TEXT_RULE if key.setting.path is PathKind.VOCABULARY else ""
        text = f"{rule}{FOLDER}/{name}"
        overrides.append(f"{name}={[text] if isinstance(key.default, tuple) else text}")
    return path, overrides


def all_paths(directory: Path) -> dict[str, Path]:
    """The place that each setting which is a path points to, by its full name."""
    return {name: directory / FOLDER / name for name, _ in _path_keys()}


def _content_of(key: Key) -> str:
    """Return what the file that a setting names holds."""
    special = {"templates": TEMPLATES, "lineage_files": SOURCE}
    return special.get(key.name, NAME if key.name.endswith("names") else ROW)


def _path_keys() -> Iterator[tuple[str, Key]]:
    for table, kind in tables():
        for key in keys_of(kind):
            if key.setting.path:
                yield f"{table}.{key.name}" if table else key.name, key
