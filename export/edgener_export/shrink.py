"""A smaller BERT out of a large one: some of its layers, the strongest neurons of its feed-forward blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from edgener_export.errors import RecipeError


def keep_layers(model: PreTrainedModel, numbers: Sequence[int]) -> None:
    """Leave only the layers with these numbers, from 1 at the bottom, in the given order.

    Raises RecipeError for a number that the model does not have.
    """
    base: Any = model.base_model
    layers = list(base.encoder.layer)
    for number in numbers:
        if not 1 <= number <= len(layers):
            raise RecipeError(f"model.keep_layers names layer {number}; the checkpoint has 1 to {len(layers)}")
    base.encoder.layer = torch.nn.ModuleList([layers[number - 1] for number in numbers])
    model.config.num_hidden_layers = len(numbers)


def narrow_feed_forward(model: PreTrainedModel, width: int) -> None:
    """Keep ``width`` neurons of each feed-forward block: those whose weights in and out have the largest norms.

    Magnitude pruning of whole neurons (Li et al., 2017, Pruning filters for efficient convnets).
    Raises RecipeError where the blocks are no wider than that.
    """
    if width >= model.config.intermediate_size:
        raise RecipeError(
            f"model.feed_forward is {width}; the checkpoint's blocks are only {model.config.intermediate_size} wide"
        )
    base: Any = model.base_model
    for layer in base.encoder.layer:
        widen, narrow = layer.intermediate.dense, layer.output.dense
        strength = widen.weight.norm(dim=1) * narrow.weight.norm(dim=0)
        kept = strength.topk(width).indices.sort().values
        widen.weight = torch.nn.Parameter(widen.weight[kept].detach().clone())
        widen.bias = torch.nn.Parameter(widen.bias[kept].detach().clone())
        narrow.weight = torch.nn.Parameter(narrow.weight[:, kept].detach().clone())
        widen.out_features = narrow.in_features = width
    model.config.intermediate_size = width
