"""Distillation (Hinton et al., 2015): a student learns a teacher's probabilities, on labelled and unlabelled text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import PretrainedConfig, PreTrainedModel

from edgener_export.errors import RecipeError
from edgener_export.recipe.settings import DistilSettings
from edgener_export.training.attention_match import AttentionMatcher, LayerPair, verify_attention
from edgener_export.training.batches import IGNORED, Batch
from edgener_export.training.finetune import FineTuner, Learner, Output
from edgener_export.training.losses import soft_loss
from edgener_export.training.teacher import ModelTeacher, Teacher


class Distiller(FineTuner):
    """A fine-tuner whose examples carry a teacher's logits, and hidden states where they are to be matched."""

    title = "distil"
    _settings: DistilSettings
    _companion: HiddenStateMatcher

    def __init__(
        self,
        learner: Learner,
        settings: DistilSettings,
        directory: Path,
        hidden_states: HiddenStateMatcher,
        attention: AttentionMatcher | None,
    ) -> None:
        super().__init__(learner, settings, directory, hidden_states)
        self._attention = attention

    def loss_of(self, output: Output, batch: Batch) -> torch.Tensor:
        """Return the divergence from the teacher over all words, mixed with the cross entropy of the labels.

        It is the cross entropy alone for a batch that no teacher has read.
        """
        if batch.teacher is None:
            return super().loss_of(output, batch)
        settings = self._settings
        outside = self._learner.tag_set.outside
        loss = soft_loss(output.logits[batch.is_word], batch.teacher[batch.is_word], settings.temperature, outside)
        labelled = (batch.tags != IGNORED).sum()
        if labelled:
            hard = super().loss_of(output, batch) * labelled / batch.is_word.sum()
            share = settings.hard_share if batch.hard_share is None else batch.hard_share
            loss = share * hard + (1 - share) * loss
        weight = settings.match_weight * (1 - self.progress)
        if batch.hidden:
            loss = loss + weight * self._companion(output.hidden_states, batch)
        if self._attention:
            with self._autocast():
                self._attention.read(batch)
            loss = loss + weight * self._attention.loss(batch)
        return loss


class HiddenStateMatcher(torch.nn.Module):
    """Mean squared error between a teacher's hidden states and the student's, projected to the teacher's width.

    TinyBERT (Jiao et al., 2020); the teacher's are normalized, so that an error of 1 is that of knowing nothing.
    """

    def __init__(self, student_layers: Sequence[int], student_width: int, teacher_width: int) -> None:
        super().__init__()
        self._layers = tuple(student_layers)
        self.projections = torch.nn.ModuleList(torch.nn.Linear(student_width, teacher_width) for _ in student_layers)

    def forward(self, states: Sequence[torch.Tensor], batch: Batch) -> torch.Tensor:
        """``states`` holds the embeddings' output and that of each layer of the student."""
        present = batch.attention_mask.bool()
        errors = [
            torch.nn.functional.mse_loss(projection(states[layer].float()[present]), target[present])
            for layer, projection, target in zip(self._layers, self.projections, batch.hidden, strict=True)
        ]
        return torch.stack(errors).mean()


def hidden_state_matcher(settings: DistilSettings, student: PretrainedConfig, teacher: Teacher) -> HiddenStateMatcher:
    """Return the module that matches the hidden states of the pairs in ``match_layers``.

    Raises RecipeError for a pair that names a layer which one of them does not have.
    """
    pairs = layer_pairs("match_layers", settings.match_layers, student, teacher)
    return HiddenStateMatcher([pair.student for pair in pairs], student.hidden_size, teacher.width)


def attention_matcher(settings: DistilSettings, student: PreTrainedModel, teacher: Teacher) -> AttentionMatcher | None:
    """Return what matches the pairs in ``match_relations`` and ``match_attention``, or None if there are none.

    Raises RecipeError for a pair that names a layer which one of them does not have, or layers that do not fit.
    """
    relations, maps = _attention_pairs(settings, student.config, teacher)
    if not isinstance(teacher, ModelTeacher) or not (relations or maps):
        return None
    return AttentionMatcher(student, teacher.model, relations, maps, settings.relation_heads)


def verify_matches(settings: DistilSettings, student: PreTrainedModel, teacher: Teacher) -> None:
    """Raise RecipeError where ``hidden_state_matcher`` or ``attention_matcher`` would, and change neither model."""
    layer_pairs("match_layers", settings.match_layers, student.config, teacher)
    relations, maps = _attention_pairs(settings, student.config, teacher)
    if isinstance(teacher, ModelTeacher):
        verify_attention(student, teacher.model, relations, maps, settings.relation_heads)


def _attention_pairs(
    settings: DistilSettings, student: PretrainedConfig, teacher: Teacher
) -> tuple[list[LayerPair], list[LayerPair]]:
    """Return the pairs in ``match_relations`` and ``match_attention``."""
    return (
        layer_pairs("match_relations", settings.match_relations, student, teacher),
        layer_pairs("match_attention", settings.match_attention, student, teacher),
    )


def layer_pairs(
    name: str, pairs: Sequence[Sequence[int]], student: PretrainedConfig, teacher: Teacher
) -> list[LayerPair]:
    """Return the pairs of the setting ``name``. Raises RecipeError for a pair with a layer that does not exist."""
    layers = (student.num_hidden_layers, teacher.layers)
    for pair in pairs:
        if len(pair) != len(layers) or not all(1 <= layer <= last for layer, last in zip(pair, layers, strict=True)):
            raise RecipeError(
                f"distil.{name} has {list(pair)}; expected a layer of the student, 1 to {layers[0]}, "
                f"and one of the teacher, 1 to {layers[1]}"
            )
    return [LayerPair(*pair) for pair in pairs]
