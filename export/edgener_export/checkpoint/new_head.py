"""A token classifier for other tags than those that it was trained for: the rows of types that it knows are kept.

A type of another tagging scheme is known too. BIOES has a tag for each place that a token may have in a name (first,
inside, last, single), BIO has one for the first and single, and one for the rest. Where a tag is split, each part gets
an equal share of its probability, so the logarithm of the number of parts is subtracted. Where tags are merged, the
logit is the mean of theirs plus the logarithm of their number, which is the tangent of the logarithm of the summed
exponentials where all are equal, and never above it. A change back gives the rows again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from transformers import PreTrainedModel

from edgener.tags import OUTSIDE, TagSet
from edgener_export.checkpoint.classifier import tags_of
from edgener_export.corpus.retype import renamed_tag
from edgener_export.corpus.schemes import FILE_SCHEMES, Scheme, detect_scheme, is_tag, split_tag
from edgener_export.errors import CheckpointError, RecipeError

PLACES = ("first", "inside", "last", "single")
"""The places that a token may have in a name; a ``Scheme`` has a letter for each."""
PRIOR = 0.01
"""The probability of a new tag as a ratio to that of ``O``, where the model's hidden state says nothing.

Lin et al. (2017, Focal loss for dense object detection, section 4.1) start rare classes with this prior, so that they
do not drown the others in the first steps. The weights of new rows are zero instead of random, because a random head
distorts the features below it (Kumar et al., 2022, Fine-tuning can distort pretrained features); the rows of a softmax
drift apart by their labels.
"""

NO_TYPES: Mapping[str, str] = MappingProxyType({})
"""No type gets another name."""


@dataclass(frozen=True)
class HeadChange:
    """The entity types of a classification head before and after its tags were changed."""

    kept: tuple[str, ...]
    """The types whose rows were taken over."""
    new: tuple[str, ...]
    """The types that the model did not know."""
    dropped: tuple[str, ...]
    """The types that the model knew and is no longer asked for."""

    def __str__(self) -> str:
        """Return one sentence for the log of a build."""
        parts = (("keeps what it knows of", self.kept), ("learns", self.new), ("forgets", self.dropped))
        sentence = "the model " + ", ".join(f"{does} {' '.join(types)}" for does, types in parts if types)
        if self.kept or not self.dropped:
            return sentence
        return (
            f"{sentence}; if it knows a type of the data by another name, rename that type with data.types, in "
            "edgener-export train with --rename"
        )


@dataclass(frozen=True)
class _Row:
    """The rows of the old head that one row of the new head is the mean of, and what is added to its logit."""

    sources: tuple[int, ...]
    shift: float


def change_tags(
    model: PreTrainedModel, tag_set: TagSet, source: str | Path, types: Mapping[str, str] = NO_TYPES
) -> HeadChange | None:
    """Give the model a classification head for ``tag_set``; return None if it has that head already.

    ``types`` are other names for types that the model knows; two that get one name are merged, and an empty name
    forgets a type. The logits of tags that both heads have stay the same. Raises CheckpointError, which names
    ``source``, if the head is not one linear layer with a row for each tag, and RecipeError for a type that the model
    does not know.
    """
    before = tags_of(model)
    unknown = [label for label in types if not any(tag.partition("-")[2] == label for tag in before)]
    if unknown:
        raise RecipeError(
            f"model.types names {', '.join(unknown)}, which {source} does not know; it knows "
            f"{', '.join(dict.fromkeys(tag.partition('-')[2] for tag in before if tag != OUTSIDE))}"
        )
    before = [renamed_tag(tag, types) for tag in before]
    if before == list(tag_set.tags):
        return None
    whole: Any = model
    head = whole.classifier
    if not isinstance(head, torch.nn.Linear) or head.bias is None or head.out_features != len(before):
        raise CheckpointError(
            f"{source}: its classification head is no linear layer with a bias and a row for each of its {len(before)} "
            "tags, so it cannot be changed; save its encoder alone (model.base_model.save_pretrained) and start from it"
        )
    whole.classifier = _new_head(head, before, tag_set)
    model.config.id2label = dict(enumerate(tag_set.tags))
    model.config.label2id = {tag: number for number, tag in enumerate(tag_set.tags)}
    whole.num_labels = len(tag_set.tags)
    return _change(before, tag_set)


def _new_head(head: torch.nn.Linear, before: Sequence[str], tag_set: TagSet) -> torch.nn.Linear:
    new = torch.nn.Linear(head.in_features, len(tag_set.tags))
    weight, bias = head.weight.detach(), head.bias.detach()
    outside = float(bias[before.index(OUTSIDE)]) if OUTSIDE in before else 0.0
    with torch.no_grad():
        new.weight.zero_()
        new.bias.fill_(outside + math.log(PRIOR))
        new.bias[tag_set.outside] = outside
        for place, row in _known_rows(before, tag_set).items():
            sources = list(row.sources)
            new.weight[place] = weight[sources].mean(dim=0)
            new.bias[place] = bias[sources].mean() + row.shift
    return new


def _known_rows(before: Sequence[str], tag_set: TagSet) -> dict[int, _Row]:
    """Return how each row of the new head that the old one knows is made, by its index."""
    old, new = _scheme(before), FILE_SCHEMES[tag_set.scheme.lower()]
    index: dict[str, tuple[int, ...]] = {OUTSIDE: (before.index(OUTSIDE),)} if OUTSIDE in before else {}
    for number, tag in enumerate(before):
        if tag != OUTSIDE:
            index[tag] = (*index.get(tag, ()), number)
    rows = {}
    for place, tag in enumerate(tag_set.tags):
        letter, label = split_tag(tag)
        row = _row(index, old, (each for each in PLACES if getattr(new, each) == letter), label) if label else None
        if row:
            rows[place] = row
    if OUTSIDE in index:
        rows[tag_set.outside] = _Row(index[OUTSIDE], 0.0)
    return rows


def _row(index: Mapping[str, tuple[int, ...]], old: Scheme | None, places: Iterable[str], label: str) -> _Row | None:
    """Return the row of a tag that stands for these places in a name; None if no old tag stands for one of them."""
    letters = [letter for letter in (getattr(old, place, "") for place in places) if f"{letter}-{label}" in index]
    if not letters:
        return None
    shares = [sum(getattr(old, place) == letter for place in PLACES) for letter in letters]
    sources = tuple(place for letter in letters for place in index[f"{letter}-{label}"])
    shift = math.log(len(sources)) - sum(map(math.log, shares)) / len(shares)
    return _Row(sources, shift)


def _scheme(tags: Sequence[str]) -> Scheme | None:
    """Return the scheme of a model's tags; None where their letters are of no known one."""
    name = detect_scheme([tags]) if all(map(is_tag, tags)) else None
    return FILE_SCHEMES[name] if name else None


def _change(before: Sequence[str], tag_set: TagSet) -> HeadChange:
    known = {split_tag(tag_set.tags[place])[1] for place in _known_rows(before, tag_set)}
    labels = dict.fromkeys(split_tag(tag)[1] if is_tag(tag) else tag for tag in before if tag != OUTSIDE)
    return HeadChange(
        kept=tuple(label for label in tag_set.labels if label in known),
        new=tuple(label for label in tag_set.labels if label not in known),
        dropped=tuple(label for label in labels if label not in tag_set.labels),
    )
