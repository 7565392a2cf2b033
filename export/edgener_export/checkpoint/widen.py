"""A narrow BERT as the start of a wide one: the same function, then broken symmetry (Chen et al., 2016, Net2Net)."""

from __future__ import annotations

import copy
import math

import torch
from transformers import PreTrainedModel

NOISE = 0.05
"""Standard deviation of what is added to each weight, as a share of that of its matrix: copies must drift apart."""


def widened(model: PreTrainedModel, factor: int) -> PreTrainedModel:
    """A token classifier ``factor`` times as wide, with as many heads, each ``factor`` times as wide.

    Every hidden value stands ``factor`` times in the wide model, and every weight that reads one is divided by
    ``factor``, so that before the noise both models give the same logits.
    """
    config = copy.deepcopy(model.config)
    config.hidden_size *= factor
    config.intermediate_size *= factor
    wide = type(model)(config)
    narrow = model.state_dict()
    heads = config.num_attention_heads
    generator = torch.Generator().manual_seed(0)
    wide.load_state_dict(
        {name: _with_noise(_widened(name, weight, factor, heads), generator) for name, weight in narrow.items()}
    )
    return wide


def _widened(name: str, weight: torch.Tensor, factor: int, heads: int) -> torch.Tensor:
    if name.endswith("position_ids") or name == "classifier.bias":
        return weight
    if "embeddings" in name and weight.ndim == 2:
        return weight.repeat(1, factor)
    if weight.ndim == 2:
        weight = _repeat_inputs(weight, factor, heads if "attention.output" in name else 1)
    if name.startswith("classifier"):
        return weight
    is_in_head = "attention.self" in name
    weight = _repeat_outputs(weight, factor, heads if is_in_head else 1)
    if "self.query" in name:
        # A dot product of repeated vectors is factor times as large, the divisor sqrt(factor) times.
        weight = weight / math.sqrt(factor)
    return weight


def _repeat_outputs(weight: torch.Tensor, factor: int, groups: int) -> torch.Tensor:
    """Rows repeated within each of ``groups`` equal groups."""
    grouped = weight.reshape(groups, -1, *weight.shape[1:])
    return grouped.repeat(1, factor, *[1] * (grouped.ndim - 2)).reshape(-1, *weight.shape[1:])


def _repeat_inputs(weight: torch.Tensor, factor: int, groups: int) -> torch.Tensor:
    """Columns repeated likewise, and divided by their number."""
    return _repeat_outputs(weight.T, factor, groups).T / factor


def _with_noise(weight: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    if weight.ndim < 2:
        return weight
    return weight + NOISE * weight.std() * torch.randn(weight.shape, generator=generator)
