"""The recipe that ``edgener-export train`` writes, as a file that is read and changed by people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from edgener_export.plan.choices import LEAST_F1, Choices, texts_for, tolerated_loss
from edgener_export.recipe.text import toml_key, toml_value

TRAIN, HELD_OUT, GOLDEN_TEXTS, RECIPE = "train.jsonl", "held-out.jsonl", "golden.txt", "recipe.toml"
"""The names of the recipe and of the files beside it."""
LEAST_SCORED = 200
"""Held-out sentences of a score during a training, at least; more where they are fewer than a quarter of the others.

Twelve scores on a quarter as many sentences take as long as one of the passes."""
CHARACTERS_OF_A_TEXT = 40
"""The usual length of an unlabelled text, to guess the number of steps."""
SCORES = 12
"""Scores on the held-out sentences during a training, about."""


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
    characters: int
    """The number of their characters."""
    test_entities: int
    """The number of entities of the held-out sentences."""
    license: str = "not stated"
    """The license of the labelled data."""
    base_types: Mapping[str, str] = field(default_factory=dict)
    """Other names for types of the base model."""
    unlabelled_types: tuple[str, ...] = ()
    """Types of the base model that the new one keeps and that the data does not label; none without ``--add``."""
    scheme: str = ""
    """The tagging scheme, where the base model decides it."""
    span_rules: tuple[str, ...] | None = None
    """Other span rules than those of the base model; None for the same."""
    text: str = ""
    """A file of unlabelled texts on which the base model teaches what it knows; only with types to keep."""
    megabytes: float = 30.0
    """The largest size of the bundle."""


def recipe_tables(parts: Parts, choices: Choices) -> dict[str, Any]:
    """Return the recipe as TOML's tables, without keys that have nothing to say."""
    texts = texts_for(parts.sentences, choices.epochs) if parts.text else 0
    characters = parts.characters * choices.epochs + CHARACTERS_OF_A_TEXT * texts
    steps = math.ceil(characters / choices.tokens_per_batch)
    settings = {
        **asdict(choices),
        "dev_every": max(1, steps // SCORES),
        "dev_sentences": max(LEAST_SCORED, parts.sentences // 4),
    }
    teaching: dict[str, Any] = {"teacher": parts.base, "temperature": 1.0, "hard_share": 0.0, "unlabelled": parts.text}
    if parts.text:
        teaching["unlabelled_sentences"] = texts
        teaching["unlabelled_parts"] = choices.epochs
    lineage = {
        "role": "training data",
        "name": parts.data,
        "license": parts.license,
        "note": f"{parts.sentences} labelled sentences",
    }
    data = {
        "train": TRAIN,
        "dev": HELD_OUT,
        "test": HELD_OUT,
        "unlabelled_types": list(parts.unlabelled_types),
    }
    return {
        "name": parts.name,
        "golden": GOLDEN_TEXTS,
        **_given({"scheme": parts.scheme}),
        "model": {
            **_given({"checkpoint": parts.base, "types": dict(parts.base_types)}),
            **({} if parts.span_rules is None else {"span_rules": list(parts.span_rules)}),
        },
        "data": _given(data),
        **({"distil": _given({**teaching, **settings})} if parts.unlabelled_types else {"finetune": settings}),
        "gate": {"f1": LEAST_F1, "loss": tolerated_loss(parts.test_entities), "megabytes": parts.megabytes},
        "lineage": [lineage],
    }


def recipe_lines(parts: Parts, tables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the recipe."""
    yield f"# Written by edgener-export train for {parts.sentences} training sentences. edgener-export build makes the"
    yield "# model again, after changes here with another --run; docs/recipe.md explains each key."
    yield from _entries({key: each for key, each in tables.items() if not _is_table(each)})
    for name, content in tables.items():
        for table in _tables(content):
            yield ""
            yield f"[[{name}]]" if isinstance(content, list) else f"[{name}]"
            yield from _entries(table)


def _entries(table: Mapping[str, Any]) -> Iterator[str]:
    return (f"{toml_key(key)} = {_value(each)}" for key, each in table.items())


def _is_table(content: Any) -> bool:
    return bool(list(_tables(content)))


def _tables(content: Any) -> Iterator[dict[str, Any]]:
    """Yield the tables that a key of the top level holds: one, several, or none."""
    yield from (each for each in (content if isinstance(content, list) else [content]) if isinstance(each, dict))


def _given(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: each for key, each in table.items() if each not in ("", [], {})}


def _value(value: Any) -> str:
    """Return a value as TOML, tables with blanks inside their braces."""
    return "{ " + ", ".join(_entries(value)) + " }" if isinstance(value, dict) else toml_value(value)
