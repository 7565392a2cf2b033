"""Values of a recipe that are impossible for the checkpoint that it names, told as soon as its shape is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgener_export.recipe.settings import ModelSettings, Recipe


@dataclass(frozen=True)
class CheckpointShape:
    """The sizes of a checkpoint that limit what a recipe may ask for."""

    layers: int
    heads: int
    feed_forward: int
    """Neurons of a feed-forward block."""
    positions: int
    """The most tokens that a row may have."""


def read_shape(checkpoint: Path) -> CheckpointShape | None:
    """Return the shape that the config.json of a directory states; None if there is no such file, or it states none."""
    try:
        config = json.loads((checkpoint / "config.json").read_bytes())
        return CheckpointShape(
            layers=int(config["num_hidden_layers"]),
            heads=int(config["num_attention_heads"]),
            feed_forward=int(config["intermediate_size"]),
            positions=int(config["max_position_embeddings"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def shape_faults(recipe: Recipe, shape: CheckpointShape) -> Iterator[str]:
    """Give one sentence for each value that asks for more than a checkpoint of this shape has."""
    model = recipe.model
    for number in model.keep_layers:
        if not 1 <= number <= (model.layers or shape.layers):
            last = model.layers or shape.layers
            yield f"model.keep_layers names layer {number}; the checkpoint has 1 to {last}"
    limits = (
        ("layers", model.layers, shape.layers, "layers"),
        ("heads", model.heads, shape.heads - 1, "heads to keep at most"),
        ("feed_forward", model.feed_forward, shape.feed_forward - 1, "neurons to keep at most"),
        ("max_tokens", model.max_tokens, shape.positions, "positions"),
    )
    for name, value, most, unit in limits:
        if value > most:
            yield f"model.{name} is {value}; the checkpoint has {most} {unit}"
    yield from layer_faults(recipe, layers_kept(model, shape))


def layers_kept(model: ModelSettings, shape: CheckpointShape) -> int:
    """Return how many layers of a checkpoint the trained model has."""
    return len(model.keep_layers) or min(model.layers or shape.layers, shape.layers)


def layer_faults(recipe: Recipe, layers: int) -> Iterator[str]:
    """Give one sentence for each setting of a training that names a layer which a model with ``layers`` lacks."""
    for name, settings in (("adapt", recipe.adapt), ("finetune", recipe.finetune), ("distil", recipe.distil)):
        if settings and settings.frozen_layers > layers:
            yield f"{name}.frozen_layers is {settings.frozen_layers}; the model has {layers} layers"
    if not recipe.distil:
        return
    distil = recipe.distil
    for key in ("match_layers", "match_relations", "match_attention"):
        for pair in getattr(distil, key):
            if not (len(pair) == 2 and 1 <= pair[0] <= layers):
                yield (
                    f"distil.{key} has {list(pair)}; expected a layer of the student, 1 to {layers}, "
                    "and one of the teacher"
                )
