"""The recipe that ``edgener-export train`` writes, as a file that is read and changed by people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from edgener_export.plan.choices import LEAST_F1, Choices, tolerated_loss

TRAIN, HELD_OUT, GOLDEN, RECIPE = "train.jsonl", "held-out.jsonl", "golden.txt", "recipe.toml"
"""The recipe and the files beside it."""


@dataclass(frozen=True)
class Parts:
    """Everything that the recipe names but for its choices; paths are relative to the recipe."""

    name: str
    """The name of the model."""
    base: str
    """The checkpoint to start from, as the recipe writes it."""
    data: str
    """The name of the labelled data, for the lineage."""
    sentences: int
    """The number of training sentences."""
    test_entities: int
    """The number of entities of the held-out sentences."""
    license: str = "not stated"
    """The license of the labelled data."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Other names for types of the data."""
    base_types: Mapping[str, str] = field(default_factory=dict)
    """Other names for types of the base model."""
    unlabelled_types: tuple[str, ...] = ()
    """Types of the base model that the new one keeps and that the data does not label; none without ``--add``."""
    text: str = ""
    """A file of unlabelled texts on which the base model teaches what it knows; only with types to keep."""
    megabytes: float = 30.0
    """The largest size of the bundle."""


def recipe_text(parts: Parts, choices: Choices) -> str:
    """Return the recipe as TOML."""
    gate = {"f1": LEAST_F1, "loss": tolerated_loss(parts.test_entities), "megabytes": parts.megabytes}
    data = {
        "train": TRAIN,
        "dev": HELD_OUT,
        "test": HELD_OUT,
        "types": parts.types,
        "unlabelled_types": parts.unlabelled_types,
    }
    lineage = {
        "role": "training data",
        "name": parts.data,
        "license": parts.license,
        "note": f"{parts.sentences} labelled sentences",
    }
    lines = [
        f"# Written by edgener-export train for {parts.sentences} training sentences. edgener-export build makes the",
        "# model again, also after changes here; docs/recipe.md explains each key.",
        *_table("", {"name": parts.name, "golden": GOLDEN}),
        *_table("[model]", {"checkpoint": parts.base, "types": parts.base_types}),
        *_table("[data]", data),
        *(_distillation(parts, choices) if parts.unlabelled_types else _table("[finetune]", _settings(choices))),
        *_table("[gate]", gate),
        *_table("[[lineage]]", lineage),
    ]
    return "\n".join(lines) + "\n"


def _distillation(parts: Parts, choices: Choices) -> Iterable[str]:
    """Return the table that lets the base model teach the types that nobody labelled."""
    teaching = {"teacher": parts.base, "temperature": 1.0, "hard_share": 0.0, "unlabelled": parts.text}
    return _table("[distil]", {**teaching, **_settings(choices)})


def _settings(choices: Choices) -> dict[str, object]:
    return {
        "epochs": choices.epochs,
        "tokens_per_batch": choices.tokens_per_batch,
        "learning_rate": choices.learning_rate,
        "frozen_layers": choices.frozen_layers,
        "dev_sentences": DEV_SENTENCES,
    }


DEV_SENTENCES = 2_000
"""More sentences than are held out, so that all of them are scored each time."""


def _table(head: str, entries: Mapping[str, object]) -> Iterable[str]:
    """Yield the lines of a table, without empty texts, lists and tables."""
    yield ""
    if head:
        yield head
    yield from (f"{key} = {_value(each)}" for key, each in entries.items() if each not in ("", (), {}))


def _value(value: object) -> str:
    """Return a value as TOML."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_value(key)} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
