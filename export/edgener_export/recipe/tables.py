"""The tables of a recipe become settings; all faults in them are collected, so that they are reported at once."""

from __future__ import annotations

import difflib
import types
from collections.abc import Collection, Mapping
from dataclasses import MISSING, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_origin

from edgener.dataclass_json import RecordError, from_plain
from edgener.errors import BundleError
from edgener_export.errors import RecipeError
from edgener_export.recipe.bounds import joint_faults, value_faults
from edgener_export.recipe.inherit import inherited
from edgener_export.recipe.paths import path_faults, resolve
from edgener_export.recipe.settings import Key, LineageSettings, PathKind, Recipe, SharedLineage, full_name, keys_of
from edgener_export.recipe.shape import read_shape, shape_faults
from edgener_export.recipe.toml_file import read_toml


class TableReader:
    """Reads the tables of one recipe; ``faults`` holds one sentence for each mistake."""

    def __init__(self, directory: Path, *, needs_models: bool, to_come: Collection[str] = ()) -> None:
        """``directory`` is that of the recipe; without ``needs_models`` the models that it names need not exist.

        Files that it names as one of ``to_come`` need not exist either.
        """
        self.faults: list[str] = []
        self._directory, self._needs_models, self._to_come = directory, needs_models, to_come

    def recipe(self, plain: Mapping[str, Any]) -> Recipe:
        """Return the recipe with its paths resolved and with what it inherits from the bundle that it starts from.

        It is complete only if there are no ``faults``.
        """
        recipe: Recipe = self._table(Recipe, plain, "")
        shape = read_shape(Path(recipe.model.checkpoint or "")) if recipe.model and self._needs_models else None
        if shape:
            self.faults += shape_faults(recipe, shape)
        if recipe.lineage_files and not self.faults:
            recipe = replace(recipe, lineage=recipe.lineage + self._shared_lineage(recipe.lineage_files))
        return recipe if self.faults else self._inherited(recipe, plain["model"])

    def _shared_lineage(self, files: Collection[str]) -> tuple[LineageSettings, ...]:
        """Return the entries of the files, which hold no other tables."""
        entries: tuple[LineageSettings, ...] = ()
        for file in files:
            reader = TableReader(Path(file).parent, needs_models=False)
            try:
                entries += reader._table(SharedLineage, read_toml(Path(file)), "").lineage or ()
            except RecipeError as error:
                self.faults.append(f"lineage_files: {error}")
            self.faults += [f"lineage_files: {file}: {fault}" for fault in reader.faults]
        return entries

    def _inherited(self, recipe: Recipe, model: Mapping[str, Any]) -> Recipe:
        try:
            return inherited(recipe, model)
        except BundleError as error:
            self.faults.append(f"model.checkpoint: {error}")
            return recipe

    def _table(self, kind: Any, plain: Any, name: str) -> Any:
        if not isinstance(plain, dict):
            self.faults.append(f"{name} is {plain!r:.80}, expected a table")
            plain = {}
        keys = {key.name: key for key in keys_of(kind)}
        self.faults += [_unknown(full_name(name, given), given, keys) for given in plain if given not in keys]
        values = {}
        for key in keys.values():
            where = full_name(name, key.name)
            if key.name in plain:
                values[key.name] = self._value(key, plain[key.name], where)
            elif key.default is MISSING:
                self.faults.append(f"{where} is missing: {key.setting.doc}")
        missing = {key.name: None for key in keys.values() if key.default is MISSING}
        table = kind(**{**missing, **values})
        self.faults += joint_faults(table, name)
        return table

    def _value(self, key: Key, plain: Any, name: str) -> Any:
        """Return a value, or the default if it is of the wrong type; a text alone is a list of one."""
        kind = _without_none(key.type)
        entry = get_args(kind)[0] if get_origin(kind) is tuple else None
        if is_dataclass(kind):
            return self._table(kind, plain, name)
        if is_dataclass(entry) and isinstance(plain, list):
            return tuple(self._table(entry, row, f"{name}[{place}]") for place, row in enumerate(plain))
        if entry is str and isinstance(plain, str):
            plain = [plain]
        try:
            value = from_plain(kind, plain, name)
        except RecordError as error:
            self.faults.append(str(error))
            return None if key.default is MISSING else key.default
        self.faults += value_faults(key, value, name)
        return self._resolved(key.setting.path, value, name) if key.setting.path else value

    def _resolved(self, kind: PathKind, value: Any, name: str) -> Any:
        if isinstance(value, tuple):
            return tuple(self._resolved(kind, text, name) for text in value)
        is_needed = self._needs_models or kind not in (PathKind.MODEL, PathKind.CHECKPOINT)
        if is_needed and value not in self._to_come:
            self.faults += [f"{name}: {fault}" for fault in path_faults(kind, value, self._directory)]
        return resolve(kind, value, self._directory)


def _unknown(name: str, given: str, keys: Mapping[str, Key]) -> str:
    near = difflib.get_close_matches(given, keys, 1)
    return f"{name} is unknown; " + (f"did you mean {near[0]}?" if near else f"known: {', '.join(keys)}")


def _without_none(kind: Any) -> Any:
    return get_args(kind)[0] if isinstance(kind, types.UnionType) else kind
