"""Tagging schemes, which define the valid tag sequences and the spans that they stand for.

BIO (Ramshaw and Marcus, 1995, in its IOB2 form) and BIOES (Ratinov and Roth, 2009, who call it BILOU).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from edgener.errors import ManifestError

if TYPE_CHECKING:  # a mistake in a recipe is told without it, in less time than its import takes
    import numpy as np
    from numpy.typing import NDArray

SCHEMES = {"BIO": ("B", "I"), "BIOES": ("B", "I", "E", "S")}
OUTSIDE = "O"


class Span(NamedTuple):
    """A half-open range of positions with an entity type."""

    start: int
    end: int
    label: str


class ScoredSpan(NamedTuple):
    """A span and the mean probability of its tags."""

    span: Span
    score: float


@dataclass(frozen=True)
class TagSet:
    """The tags that a model's last axis stands for, in the order of that axis."""

    scheme: str
    """One of ``SCHEMES``."""
    tags: tuple[str, ...]
    """``O`` and every prefix of the scheme for every entity type."""

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise ManifestError(f"tagging scheme {self.scheme!r} is unknown; known: {', '.join(SCHEMES)}")
        expected = {OUTSIDE} | {f"{prefix}-{label}" for prefix in SCHEMES[self.scheme] for label in self.labels}
        if len(self.tags) != len(expected) or set(self.tags) != expected:
            raise ManifestError(f"tags {list(self.tags)} are not a complete {self.scheme} tag set")

    @classmethod
    def of(cls, scheme: str, labels: Iterable[str]) -> TagSet:
        """Return ``O`` followed by the scheme's prefixes for each entity type in turn."""
        prefixes = SCHEMES.get(scheme, ())
        return cls(scheme, (OUTSIDE, *(f"{prefix}-{label}" for label in labels for prefix in prefixes)))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Return the entity types in the order of their first tag."""
        return tuple(dict.fromkeys(tag.partition("-")[2] for tag in self.tags if tag != OUTSIDE))

    @cached_property
    def outside(self) -> int:
        """Return the index of ``O``."""
        return self.tags.index(OUTSIDE)

    @cached_property
    def begins(self) -> tuple[bool, ...]:
        """Return for each tag whether a span starts with it."""
        return tuple(self._has_prefix("B", "S").tolist())

    @cached_property
    def may_start(self) -> NDArray[np.bool_]:
        """Return for each tag whether it may stand first, or after a complete span."""
        return self._has_prefix("O", "B", "S")

    @cached_property
    def may_end(self) -> NDArray[np.bool_]:
        """Return for each tag whether a sequence may stop after it."""
        return self._has_prefix("O", "B", "I") if self.scheme == "BIO" else self._has_prefix("O", "E", "S")

    @cached_property
    def allowed(self) -> NDArray[np.bool_]:
        """Return for each pair of tags, with the shape [from, to], whether ``to`` may follow ``from``."""
        import numpy as np

        types = np.array([tag.partition("-")[2] for tag in self.tags])
        goes_on = self._has_prefix("B", "I")[:, None] & ~self.may_start & (types[:, None] == types)
        allowed: NDArray[np.bool_] = goes_on | (self.may_end[:, None] & self.may_start)
        return allowed

    @cached_property
    def _steps(self) -> frozenset[tuple[int, int]]:
        """Return the pairs (from, to) that ``allowed`` allows."""
        befores, afters = self.allowed.nonzero()
        return frozenset(zip(befores.tolist(), afters.tolist(), strict=True))

    def is_valid(self, tag_ids: Sequence[int]) -> bool:
        """Return whether the tags start, follow each other and end as they may."""
        return self._steps.issuperset(zip([self.outside, *tag_ids], [*tag_ids, self.outside], strict=True))

    @cached_property
    def transitions(self) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
        """Return pairs (befores, afters) of ascending tags: the allowed steps, grouped by equal ``befores``."""
        sources = [tuple(column.nonzero()[0].tolist()) for column in self.allowed.T]
        return tuple(
            (befores, tuple(tag for tag, its_sources in enumerate(sources) if its_sources == befores))
            for befores in dict.fromkeys(sources)
        )

    def _has_prefix(self, *prefixes: str) -> NDArray[np.bool_]:
        import numpy as np

        return np.array([tag[0] in prefixes for tag in self.tags], dtype=np.bool_)

    def spans(self, tag_ids: Sequence[int] | NDArray[np.intp]) -> list[Span]:
        """Return the spans of a valid tag sequence, left to right; touching spans stay apart."""
        spans: list[Span] = []
        start, label = 0, ""
        for position, tag_id in enumerate(tag_ids):
            starts_anew = self.begins[tag_id]
            if label and (starts_anew or tag_id == self.outside):
                spans.append(Span(start, position, label))
                label = ""
            if starts_anew:
                start, label = position, self.tags[tag_id][2:]
        if label:
            spans.append(Span(start, len(tag_ids), label))
        return spans

    def tag_ids(self, length: int, spans: Iterable[Span]) -> list[int]:
        """Return one tag index for each of ``length`` positions, which ``spans`` turns back into the given spans."""
        index = {tag: i for i, tag in enumerate(self.tags)}
        ids = [index[OUTSIDE]] * length
        for start, end, label in spans:
            first, middle, last, single = ("B", "I", "I", "B") if self.scheme == "BIO" else ("B", "I", "E", "S")
            inner = [f"{middle}-{label}"] * (end - start - 2)
            tags = [f"{single}-{label}"] if end - start == 1 else [f"{first}-{label}", *inner, f"{last}-{label}"]
            ids[start:end] = [index[tag] for tag in tags]
        return ids
