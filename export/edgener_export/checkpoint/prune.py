"""A smaller BERT out of a large one: fewer layers, attention heads and feed-forward neurons, and simpler neurons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.activations import ACT2FN

from edgener_export.errors import RecipeError


def select_layers(model: PreTrainedModel, numbers: Sequence[int]) -> None:
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
    pruned = model.config.pruned_heads  # by the layer's place, for those who load the model
    model.config.pruned_heads = {
        place: pruned[number - 1] for place, number in enumerate(numbers) if number - 1 in pruned
    }


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


def keep_heads(model: PreTrainedModel, number: int) -> None:
    """Keep ``number`` attention heads of each layer: those whose values and outputs have the largest norms.

    After Michel et al. (2019), Are sixteen heads really better than one?, by magnitude instead of by gradient.
    Raises RecipeError where a layer has no more than that.
    """
    base: Any = model.base_model
    pruned = {}
    for place, layer in enumerate(base.encoder.layer):
        attention = layer.attention
        left = [head for head in range(model.config.num_attention_heads) if head not in attention.pruned_heads]
        if number >= len(left):
            raise RecipeError(f"model.heads is {number}; the checkpoint's layers have only {len(left)}")
        values = attention.self.value.weight.reshape(len(left), -1).norm(dim=1)
        outputs = attention.output.dense.weight.T.reshape(len(left), -1).norm(dim=1)
        weakest = (values * outputs).argsort()[: len(left) - number].tolist()
        pruned[place] = [left[index] for index in weakest]
    model.prune_heads(pruned)


def replace_activation(model: PreTrainedModel, name: str) -> None:
    """Another function after the first half of each feed-forward block, by the name that transformers gives it.

    The model has to learn to live with it. Raises RecipeError for an unknown name.
    """
    if name not in ACT2FN:
        raise RecipeError(f"model.activation {name!r} is unknown; known: {', '.join(sorted(ACT2FN))}")
    base: Any = model.base_model
    for layer in base.encoder.layer:
        layer.intermediate.intermediate_act_fn = ACT2FN[name]
    model.config.hidden_act = name
