"""Values of a recipe that are impossible whatever the checkpoint and the data are."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator
from typing import Any

from edgener.tags import OUTSIDE
from edgener_export.errors import RecipeError
from edgener_export.recipe.settings import (
    AdaptSettings,
    DataSettings,
    DistilSettings,
    FinetuneSettings,
    Key,
    ModelSettings,
    Recipe,
    TrainSettings,
    full_name,
    keys_of,
)

NAME = re.compile(r"(?!\.)[\w.-]+")
"""The form of a recipe's name, which becomes that of a directory."""


def verify_settings(table: object) -> None:
    """Raise RecipeError if a value of a table, or of a table within it, is out of its bounds."""
    faults = list(table_faults(table))
    if faults:
        raise RecipeError("; ".join(faults))


def table_faults(table: object, where: str = "") -> Iterator[str]:
    """Yield one sentence for each impossible value of a table and of the tables within it; ``where`` is its name."""
    for key in keys_of(type(table)):
        value = getattr(table, key.name)
        name = full_name(where, key.name)
        if dataclasses.is_dataclass(value):
            yield from table_faults(value, name)
        else:
            yield from value_faults(key, value, name)
    yield from joint_faults(table, where)


def value_faults(key: Key, value: Any, name: str) -> Iterator[str]:
    """Yield the faults of one value that is not a table of settings; ``name`` is its name in the recipe."""
    for where, each in _single_values(value, name):
        if isinstance(each, float) and not math.isfinite(each):
            yield f"{where} is {each}; it must be a finite number"
        else:
            yield from _single_value_faults(key, each, where)


def _single_values(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield a value, or those within a list or a table, with its name; entries of a list have the name of the list."""
    match value:
        case tuple():
            for each in value:
                yield from _single_values(each, name)
        case dict():
            for entry, each in value.items():
                yield from _single_values(each, full_name(name, entry))
        case _:
            yield name, value


def _single_value_faults(key: Key, value: Any, name: str) -> Iterator[str]:
    setting = key.setting
    if setting.choices and value not in (*setting.choices, key.default):
        yield f"{name} {value!r} is unknown; known: {', '.join(setting.choices)}"
    if setting.at_least is not None and value < setting.at_least:
        yield f"{name} is {value}; it must be at least {setting.at_least}"
    if setting.at_most is not None and value > setting.at_most:
        yield f"{name} is {value}; it must be at most {setting.at_most}"
    if setting.above is not None and value <= setting.above:
        yield f"{name} is {value}; it must be above {setting.above}"


def joint_faults(table: object, where: str) -> Iterator[str]:
    """Yield the faults of values that exclude or need each other."""
    match table:
        case Recipe():
            yield from _recipe_faults(table)
        case DataSettings(corpus="") if not (table.train and table.dev and table.test):
            yield "data: name a corpus, or files for all of train, dev and test"
        case AdaptSettings(text=""):
            yield f"{full_name(where, 'text')} is missing; name a file of texts"
        case DistilSettings(teacher=""):
            yield f"{full_name(where, 'teacher')} is missing; name a bundle, a trained model or `default`"
    if isinstance(table, DataSettings | ModelSettings) and OUTSIDE in table.types.values():
        yield f'{where}.types makes a type of {OUTSIDE}; write "" to drop a type'
    if isinstance(table, TrainSettings) and table.patience and table.average_last:
        yield (
            f"{where or 'training'}: patience keeps the best weights, average_last a mean of the last ones; choose one"
        )


def _recipe_faults(recipe: Recipe) -> Iterator[str]:
    if isinstance(recipe.name, str) and not NAME.fullmatch(recipe.name):
        yield (
            f"name is {recipe.name!r:.80}; it may have letters, digits, hyphens, underscores and dots, but no dot at "
            "the start"
        )
    match recipe:
        case Recipe(finetune=None, distil=None, model=ModelSettings(average=None)):
            yield "has neither [finetune] nor [distil] nor [model.average]; nothing would be trained"
        case Recipe(distil=None, data=DataSettings() as data) if data.unlabelled_types:
            yield "data.unlabelled_types needs [distil], whose teacher says where these types are"
        case Recipe(finetune=FinetuneSettings(), data=DataSettings() as data) if data.unlabelled_types:
            yield "data.unlabelled_types needs a teacher, which [finetune] has not; leave [distil] alone"
    if recipe.lineage == ():
        yield "lineage is empty; add a [[lineage]] table for each set of weights or data"
