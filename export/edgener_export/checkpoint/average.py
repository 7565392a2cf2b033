"""The weights of two models, averaged: often better than both where one was trained on from the other.

Wortsman et al. (2022), Robust fine-tuning of zero-shot models.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import PreTrainedModel

from edgener_export.checkpoint.classifier import load_classifier, tags_of
from edgener_export.errors import CheckpointError
from edgener_export.recipe.settings import AverageSettings


def average_with(model: PreTrainedModel, settings: AverageSettings) -> None:
    """Move the model's weights towards those of another one.

    Raises CheckpointError where the other one is missing, of another shape, or has other tags.
    """
    classifier = load_classifier(Path(settings.checkpoint))
    if tags_of(classifier) != tags_of(model):
        raise CheckpointError(
            f"{settings.checkpoint}: its tags are {tags_of(classifier)}, not {tags_of(model)}; average models of the "
            "same types first, and start a second recipe, with other types, from the result"
        )
    other = classifier.state_dict()
    own = model.state_dict()
    if {name: weight.shape for name, weight in own.items()} != {name: weight.shape for name, weight in other.items()}:
        raise CheckpointError(f"{settings.checkpoint}: is not of the shape of the model that it is to be averaged with")
    move_towards(model, other, settings.share)


def move_towards(model: torch.nn.Module, other: Mapping[str, torch.Tensor], share: float) -> None:
    """Average the model's weights with those of ``other``, which has the same names and shapes and counts ``share``."""
    model.load_state_dict({name: weight.lerp(other[name], share) for name, weight in model.state_dict().items()})
