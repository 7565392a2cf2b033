"""AdamW (Loshchilov and Hutter, 2019) over a BERT: its schedule, and which parameters it moves, and how far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from transformers import PreTrainedModel

from edgener_export.errors import RecipeError


@dataclass
class ParameterGroup:
    """Parameters that are treated alike."""

    rate: float
    """The factor of the learning rate."""
    matrices: list[torch.nn.Parameter] = field(default_factory=list)
    """Parameters with weight decay."""
    vectors: list[torch.nn.Parameter] = field(default_factory=list)
    """Biases and normalization, which have no weight decay."""


class ScheduledAdamW:
    """AdamW whose rate warms up and decays linearly, lower in lower layers where that is asked for."""

    def __init__(self, groups: list[ParameterGroup], learning_rate: float, weight_decay: float, warmup: float) -> None:
        self._learning_rate, self._warmup = learning_rate, warmup
        self._rates = [group.rate for group in groups for _ in range(2)]
        settings = [
            {"params": parameters, "weight_decay": decay}
            for group in groups
            for parameters, decay in ((group.matrices, weight_decay), (group.vectors, 0.0))
        ]
        self.adamw = torch.optim.AdamW(settings, lr=learning_rate, fused=True)

    def gradients(self) -> Iterator[torch.Tensor]:
        """Yield the gradient of every parameter; zeros in a process that had no batch in this step."""
        for group in self.adamw.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
                yield parameter.grad

    def step(self, number: int, total: int) -> None:
        """Take the step with this number, counted from 0, of ``total``."""
        rate = self._learning_rate * schedule(number, total, self._warmup)
        for group, own in zip(self.adamw.param_groups, self._rates, strict=True):
            group["lr"] = rate * own
        self.adamw.step()


def schedule(step: int, total: int, warmup: float) -> float:
    """Return the factor of the learning rate, which rises linearly over a share of all steps, then falls to zero."""
    warmup_steps = max(1, round(total * warmup))
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return (total - step) / max(1, total - warmup_steps)


def freeze(model: PreTrainedModel, layers: int) -> None:
    """Keep the embeddings and this many layers from the bottom as they are; with 0 everything is trained.

    Raises RecipeError if the model has fewer layers.
    """
    if layers > model.config.num_hidden_layers:
        raise RecipeError(f"frozen_layers is {layers}; the model has only {model.config.num_hidden_layers} layers")
    frozen = ["embeddings.", *(f"encoder.layer.{number}." for number in range(layers))] if layers else []
    for name, parameter in model.base_model.named_parameters():
        parameter.requires_grad = not name.startswith(tuple(frozen))


def parameter_groups(model: PreTrainedModel, companion: torch.nn.Module, layer_decay: float) -> list[ParameterGroup]:
    """Return the parameters of both modules that are not frozen, grouped by depth.

    Each layer's rate is ``layer_decay`` times that of the layer above it (Howard and Ruder, 2018, ULMFiT).
    """
    top = int(model.config.num_hidden_layers) + 1
    groups: defaultdict[int, list[torch.nn.Parameter]] = defaultdict(list)
    for module in (model, companion):
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                height = _height(name, top) if module is model and layer_decay < 1 else top
                groups[height].append(parameter)
    return [
        ParameterGroup(
            layer_decay ** (top - height),
            [parameter for parameter in parameters if parameter.ndim > 1],
            [parameter for parameter in parameters if parameter.ndim <= 1],
        )
        for height, parameters in sorted(groups.items())
    ]


def _height(name: str, top: int) -> int:
    """Return 0 for the embeddings, a layer's number from 1, or ``top`` for what lies above the layers."""
    if ".embeddings." in f".{name}":
        return 0
    _, is_layer, rest = f".{name}".partition(".encoder.layer.")
    return int(rest.partition(".")[0]) + 1 if is_layer else top
