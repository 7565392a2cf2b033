"""The loss that brings a student's attention close to a teacher's while both read the same batch.

Relations between the queries, keys and values of a layer (Wang et al., 2021, MiniLMv2) fit whatever the widths and the
heads; attention scores (Jiao et al., 2020, TinyBERT) want equally many heads in both models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedModel

from edgener_export.errors import RecipeError
from edgener_export.training.batches import Batch
from edgener_export.training.losses import map_loss, relation_loss

KINDS = ("query", "key", "value")


class LayerPair(NamedTuple):
    """A layer of the student and one of the teacher, from 1 at the bottom."""

    student: int
    teacher: int


class AttentionMatcher:
    """Matches a student's attention with that of a teacher that reads the same batch; nothing is kept on disk."""

    def __init__(
        self,
        student: PreTrainedModel,
        teacher: PreTrainedModel,
        relations: Sequence[LayerPair],
        maps: Sequence[LayerPair],
        relation_heads: int,
    ) -> None:
        """``relations`` are matched with ``relation_heads`` heads, ``maps`` with the models' own.

        Raises RecipeError where a width cannot be divided by the relation heads, or the models' heads differ.
        """
        verify_attention(student, teacher, relations, maps, relation_heads)
        self._teacher, self._relations, self._maps, self._heads = teacher, relations, maps, relation_heads
        pairs = [*relations, *maps]
        self._of_student = Projections(student, [pair.student for pair in pairs])
        self._of_teacher = Projections(teacher, [pair.teacher for pair in pairs])

    def read(self, batch: Batch) -> None:
        """Let the teacher read what the student has read, without hidden tokens."""
        with torch.no_grad():
            self._teacher(input_ids=batch.ids, attention_mask=batch.attention_mask)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the mean loss over all pairs of layers, for the batch that both have read."""
        present = batch.attention_mask.bool()
        losses = [
            relation_loss(
                self._of_student(kind, pair.student), self._of_teacher(kind, pair.teacher), present, self._heads
            )
            for pair in self._relations
            for kind in KINDS
        ]
        losses += [
            map_loss(
                [self._of_student(kind, pair.student) for kind in KINDS[:2]],
                [self._of_teacher(kind, pair.teacher) for kind in KINDS[:2]],
                present,
                self._of_student.heads(pair.student),
            )
            for pair in self._maps
        ]
        return torch.stack(losses).mean()


def verify_attention(
    student: PreTrainedModel,
    teacher: PreTrainedModel,
    relations: Sequence[LayerPair],
    maps: Sequence[LayerPair],
    relation_heads: int,
) -> None:
    """Raise RecipeError where a width cannot be divided by the relation heads, or the models' heads differ."""
    for pair in relations:
        widths = [int(attention.all_head_size) for attention in _attentions(student, teacher, pair)]
        if relation_heads < 1 or any(width % relation_heads for width in widths):
            raise RecipeError(
                f"distil.relation_heads is {relation_heads}; the attention of student and teacher is "
                f"{widths[0]} and {widths[1]} wide, and both must be divisible by it"
            )
    for pair in maps:
        heads = [int(attention.num_attention_heads) for attention in _attentions(student, teacher, pair)]
        if heads[0] != heads[1]:
            raise RecipeError(
                f"distil.match_attention {list(pair)}: the student has {heads[0]} heads there, the teacher "
                f"{heads[1]}; distil.match_relations takes any number"
            )


def _attentions(student: PreTrainedModel, teacher: PreTrainedModel, pair: LayerPair) -> tuple[Any, Any]:
    return _attention(student, pair.student), _attention(teacher, pair.teacher)


def _attention(model: PreTrainedModel, layer: int) -> Any:
    base: Any = model.base_model
    return base.encoder.layer[layer - 1].attention.self


class Projections:
    """The queries, keys and values of some layers, as of the model's last forward pass."""

    def __init__(self, model: PreTrainedModel, layers: Sequence[int]) -> None:
        self._attention = {layer: _attention(model, layer) for layer in layers}
        self._seen: dict[tuple[str, int], torch.Tensor] = {}
        for layer, attention in self._attention.items():
            for kind in KINDS:
                getattr(attention, kind).register_forward_hook(self._keeper(kind, layer))

    def __call__(self, kind: str, layer: int) -> torch.Tensor:
        """Return a projection of the last batch in fp32, [sentences, tokens, width]."""
        return self._seen[kind, layer].float()

    def heads(self, layer: int) -> int:
        """Return the number of attention heads of the layer."""
        return int(self._attention[layer].num_attention_heads)

    def _keeper(self, kind: str, layer: int) -> Any:
        def keep(_module: torch.nn.Module, _inputs: object, output: torch.Tensor) -> None:
            self._seen[kind, layer] = output

        return keep
