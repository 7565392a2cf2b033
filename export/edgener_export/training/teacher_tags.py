"""A teacher's logits for a student that has other entity types.

A type may have another name, or be one that the student does not have: its probability goes to ``O`` then. Of a type
that the teacher does not know, it says nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgener.tags import OUTSIDE, TagSet
from edgener_export.corpus.retype import renamed_tag
from edgener_export.errors import CheckpointError
from edgener_export.training.batches import IGNORED, Example
from edgener_export.training.losses import IMPOSSIBLE


@dataclass(frozen=True)
class TagColumns:
    """The teacher's tags that each tag of the student stands for."""

    sources: tuple[tuple[int, ...], ...]
    """The teacher's tags whose probabilities are added, for each tag of the student; none where it knows none."""
    is_same: bool
    """True if teacher and student have the same tags."""

    def __call__(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return logits [..., student's tags] of ``logits`` [..., teacher's tags]; minus infinity for unknown tags."""
        if self.is_same:
            return logits
        columns = [
            np.logaddexp.reduce(logits[..., list(group)], axis=-1)
            if group
            else np.full(logits.shape[:-1], -np.inf, dtype=np.float32)
            for group in self.sources
        ]
        return np.stack(columns, axis=-1).astype(np.float32)

    def __str__(self) -> str:
        """Return what an identity says besides of a teacher with other tags than the student; nothing for the same."""
        return "" if self.is_same else f", tags {self.sources}"


@dataclass(frozen=True)
class StudentTags:
    """The tags of a student, and what its teachers call them."""

    tag_set: TagSet
    unlabelled_types: Collection[str] = ()
    """The types that nobody labelled; every teacher must know them."""
    types: Mapping[str, str] = field(default_factory=dict)
    """The student's names for types that the teachers know by others; empty for types that it does not have."""

    def columns(self, directory: Path, tags: Sequence[str]) -> TagColumns:
        """Return how logits for a teacher's ``tags`` become the student's; ``directory`` is where the teacher lies.

        Raises CheckpointError where the teacher must know what the student knows and does not.
        """
        known = [renamed_tag(tag, self.types) for tag in tags]
        own = self.tag_set.tags
        if not self.unlabelled_types and tuple(known) != own:
            raise CheckpointError(
                f"{directory}: its tags {known} are not the student's {list(own)}; a teacher needs the same types: "
                "rename types with data.types, name in data.unlabelled_types those that only the teacher labels, or "
                "use [finetune], which needs no teacher"
            )
        missing = [label for label in self.unlabelled_types if any(tag not in known for tag in _tags_of(label, own))]
        if missing:
            raise CheckpointError(
                f"{directory}: does not know {', '.join(missing)} of data.unlabelled_types in the scheme "
                f"{self.tag_set.scheme}; its tags are {known}; name types that it knows, and its scheme"
            )
        known = [tag if tag in own else OUTSIDE for tag in known]
        sources = tuple(tuple(place for place, tag in enumerate(known) if tag == wanted) for wanted in own)
        return TagColumns(sources, is_same=tuple(known) == own)


def corrected_by_labels(
    examples: Sequence[Example], tag_set: TagSet, unlabelled_types: Collection[str]
) -> list[Example]:
    """Return examples whose teacher's logits are overruled by the labels, which are of some types alone.

    A token with a label has that tag for certain. A token without one has none of the labelled types, and may have one
    of the unlabelled ones: it is left to the teacher, and is no label to learn any more.
    """
    unsure = {OUTSIDE, *(tag for label in unlabelled_types for tag in _tags_of(label, tag_set.tags))}
    is_labelled_type = np.array([tag not in unsure for tag in tag_set.tags])

    def corrected(example: Example) -> Example:
        assert example.teacher is not None
        logits, tags = np.array(example.teacher), example.tags.copy()
        outside = tags == tag_set.outside
        named = (tags != IGNORED) & ~outside
        logits[np.ix_(outside, is_labelled_type)] = IMPOSSIBLE
        logits[named] = IMPOSSIBLE
        logits[named, tags[named]] = 0
        tags[outside] = IGNORED
        return replace(example, tags=tags, teacher=logits)

    return [corrected(example) for example in examples]


def _tags_of(label: str, tags: Sequence[str]) -> list[str]:
    return [tag for tag in tags if tag.partition("-")[2] == label]
