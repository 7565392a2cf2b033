"""Values of a recipe that are impossible whatever the checkpoint and the data are."""

from __future__ import annotations

import dataclasses
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
    """Yield the faults of one value that is not a table; ``name`` is its name in the recipe."""
    setting = key.setting
    for chosen in value if isinstance(value, tuple) else (value,):
        if setting.choices and chosen not in (*setting.choices, key.default):
            yield f"{name} {chosen!r} is unknown; known: {', '.join(setting.choices)}"
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
        case DataSettings() | ModelSettings() if OUTSIDE in table.types.values():
            yield f'{where}.types makes a type of {OUTSIDE}; write "" to drop a type'
        case AdaptSettings(text=""):
            yield f"{full_name(where, 'text')} is missing; name a file of texts"
        case DistilSettings(teacher=""):
            yield f"{full_name(where, 'teacher')} is missing; name a bundle, a trained model or `default`"
    if isinstance(table, TrainSettings) and table.patience and table.average_last:
        yield (
            f"{where or 'training'}: patience keeps the best weights, average_last a mean of the last ones; choose one"
        )


def _recipe_faults(recipe: Recipe) -> Iterator[str]:
    match recipe:
        case Recipe(finetune=None, distil=None, model=ModelSettings(average=None)):
            yield "has neither [finetune] nor [distil] nor [model.average]; nothing would be trained"
        case Recipe(distil=None, data=DataSettings() as data) if data.unlabelled_types:
            yield "data.unlabelled_types needs [distil], whose teacher says where these types are"
        case Recipe(finetune=FinetuneSettings(), data=DataSettings() as data) if data.unlabelled_types:
            yield "data.unlabelled_types needs a teacher, which [finetune] has not; leave [distil] alone"
    if recipe.lineage == ():
        yield "lineage is empty; add a [[lineage]] table for each set of weights or data"
