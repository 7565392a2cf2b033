"""Weights of the tags in the loss on labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from edgener.tags import OUTSIDE, TagSet
from edgener_export.errors import RecipeError
from edgener_export.training.batches import Example


def tag_weights(
    weights: Mapping[str, float], balanced: bool, tag_set: TagSet, examples: Sequence[Example]
) -> torch.Tensor | None:
    """Weight of each tag [tags]: that of its entity type in ``weights``, else a balanced one or 1; None if all are 1.

    Balanced weights are inversely proportional to how many tokens of ``examples`` have the type, and 1 on average over
    tokens (King and Zeng, 2001, Logistic regression in rare events data). Raises RecipeError for an unknown type.
    """
    verify_class_weights(weights, tag_set)
    types = _types(tag_set)
    if not weights and not balanced:
        return None
    by_type = {**(_balanced(types, examples) if balanced else {}), **weights}
    return torch.tensor([by_type.get(name, 1.0) for name in types])


def verify_class_weights(weights: Mapping[str, float], tag_set: TagSet) -> None:
    """Raise RecipeError for a weight of a type that the tags do not have."""
    known = sorted(set(_types(tag_set)))
    for name in weights:
        if name not in known:
            raise RecipeError(f"class_weights names {name!r}; known: {', '.join(known)}")


def _types(tag_set: TagSet) -> list[str]:
    """Return the entity type of each tag."""
    return [tag.partition("-")[2] or OUTSIDE for tag in tag_set.tags]


def _balanced(types: Sequence[str], examples: Sequence[Example]) -> dict[str, float]:
    counts: Counter[str] = Counter()
    for example in examples:
        tags, numbers = np.unique(example.tags[example.tags >= 0], return_counts=True)
        for tag, number in zip(tags.tolist(), numbers.tolist(), strict=True):
            counts[types[tag]] += number
    return {name: counts.total() / (len(counts) * number) for name, number in counts.items()}
