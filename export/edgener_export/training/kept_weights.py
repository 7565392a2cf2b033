"""The weights that a training ends with if they are not the last: the best on development examples, or an average."""

from __future__ import annotations

import math
from typing import Any

import torch

from edgener_export.checkpoint.average import move_towards


class _KeptWeights:
    """Weights that are not the last, or none."""

    def __init__(self) -> None:
        self._weights: dict[str, torch.Tensor] = {}

    def restore(self, model: torch.nn.Module) -> None:
        """Give the model what was kept, if there is anything."""
        if self._weights:
            model.load_state_dict(self._weights)


class BestWeights(_KeptWeights):
    """Keeps the weights of the highest merit (early stopping: Prechelt, 1998), or nothing with a patience of 0."""

    def __init__(self, patience: int) -> None:
        super().__init__()
        self._patience = patience
        self._merit, self._waited = -math.inf, 0

    @property
    def is_over(self) -> bool:
        """Return whether the last ``patience`` merits were no higher than the best before them."""
        return 0 < self._patience <= self._waited

    def consider(self, model: torch.nn.Module, merit: float) -> None:
        """Remember the model's weights if none were better."""
        if not self._patience:
            return
        if merit > self._merit:
            self._merit, self._waited, self._weights = merit, 0, _copied(model)
        else:
            self._waited += 1

    def state_dict(self) -> dict[str, Any]:
        """Return what a saved state of the training keeps."""
        return {"merit": self._merit, "waited": self._waited, "weights": self._weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what ``state_dict`` returned."""
        self._merit, self._waited, self._weights = state["merit"], state["waited"], state["weights"]


class WeightAverage(_KeptWeights):
    """The mean of the weights after each of the last steps (stochastic weight averaging: Izmailov et al., 2018)."""

    def __init__(self, share: float) -> None:
        """``share`` of all steps is averaged; 0 averages none."""
        super().__init__()
        self._share = share
        self._count = 0

    def add(self, model: torch.nn.Module, progress: float) -> None:
        """Take in the weights after a step that brings the training to ``progress``, from 0 to 1."""
        if progress <= 1 - self._share:
            return
        self._count += 1
        if self._count == 1:
            self._weights = _copied(model)
            return
        for name, weight in model.state_dict().items():
            self._weights[name].lerp_(weight, 1 / self._count)

    def state_dict(self) -> dict[str, Any]:
        """Return what a saved state of the training keeps."""
        return {"count": self._count, "weights": self._weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what ``state_dict`` returned."""
        self._count, self._weights = state["count"], state["weights"]


class StartWeights:
    """The weights that a training begins with, of which a share may stay (Wortsman et al., 2022).

    What a model learns anew and what it knew before are both kept by the average of the two better than by either.
    """

    def __init__(self, model: torch.nn.Module, share: float) -> None:
        """``share`` is the weight of ``model`` as it is now in the average; 0 forgets it."""
        self._share = share
        self._weights = _copied(model) if share else {}

    def mix_into(self, model: torch.nn.Module) -> None:
        """Average the model's weights with those of the beginning."""
        if self._weights:
            move_towards(model, self._weights, self._share)


def _copied(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in model.state_dict().items()}
