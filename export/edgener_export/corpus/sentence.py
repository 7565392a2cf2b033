"""The labelled sentence, which every format is read into and written from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from edgener.tags import Span


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text and its entities, as code-point spans that are sorted and never overlap."""

    text: str
    spans: tuple[Span, ...]
    ignored: tuple[tuple[int, int], ...] = ()
    """Ranges of code points of which nothing is learned, and in which an unexpected span counts for nothing."""
    category: str = ""
    """Name of the group that the sentence is counted in; empty for none."""
    left_out: tuple[Span, ...] = field(default=(), compare=False)
    """Entities that overlap one of ``spans``, which take their place where that one's type is dropped."""


def labels_of(sentences: Iterable[Sentence]) -> tuple[str, ...]:
    """Return the entity types that occur in sentences, in alphabetical order."""
    return tuple(sorted({span.label for sentence in sentences for span in sentence.spans}))


def labels_left_out(sentences: Iterable[Sentence]) -> tuple[str, ...]:
    """Return the entity types of entities that are left out for others, in alphabetical order."""
    return tuple(sorted({span.label for sentence in sentences for span in sentence.left_out}))
