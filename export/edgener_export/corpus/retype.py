"""Entity types of labelled sentences renamed, merged or dropped, as the ``types`` of a recipe's data say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from itertools import chain

from edgener.tags import OUTSIDE, Span
from edgener_export.corpus.overlaps import overlap, without_overlaps
from edgener_export.corpus.sentence import Sentence, labels_left_out
from edgener_export.corpus.splits import Corpus
from edgener_export.errors import RecipeError


def retyped_corpus(corpus: Corpus, types: Mapping[str, str], tell: Callable[[str], None] | None = None) -> Corpus:
    """Return the corpus with other types in all of its parts; ``types`` is applied once, so two types may be swapped.

    ``tell`` is given a line with the number of entities that were renamed, and one with that of the dropped ones.
    Raises RecipeError for a type that no entity has.
    """
    parts = (corpus.train, corpus.dev, corpus.test, corpus.more)
    counts = Counter(span.label for part in parts for sentence in part for span in sentence.spans)
    overlapped = labels_left_out(chain(*parts))
    unknown = [label for label in types if label not in counts and label not in overlapped]
    if unknown:
        raise RecipeError(
            f"data.types names {', '.join(unknown)}, which no sentence has; the types of the data are "
            f"{', '.join(sorted(counts)) or 'none'}"
        )
    if tell:
        renamed = [
            f"{counts[old]} {old} as {new}" for old, new in types.items() if counts[old] and new not in ("", old)
        ]
        dropped = [f"{counts[old]} {old}" for old, new in types.items() if counts[old] and not new]
        for what, entries in (("renamed", renamed), ("dropped", dropped)):
            if entries:
                tell(f"data.types: entities {what}: {', '.join(entries)}")
    train, dev, test, more = ([retyped(sentence, types) for sentence in part] for part in parts)
    return replace(corpus, train=train, dev=dev, test=test, more=more)


def renamed_tag(tag: str, types: Mapping[str, str]) -> str:
    """Return the tag with the new name of its type; ``O`` where that is empty."""
    prefix, dash, label = tag.partition("-")
    name = types.get(label, label) if dash else label
    return f"{prefix}{dash}{name}" if name or not dash else OUTSIDE


def retyped(sentence: Sentence, types: Mapping[str, str]) -> Sentence:
    """Return the sentence with each type replaced by what ``types`` has for it, and without the spans of empty ones.

    Entities that overlapped a dropped one, and were left out for it, take its place.
    """
    kept, others = (_renamed(spans, types) for spans in (sentence.spans, sentence.left_out))
    free = [span for span in others if not any(overlap(span, each) for each in kept)]
    taken, _, _ = without_overlaps(sentence.text, free, 0)
    left_out = tuple(span for span in others if span not in taken)
    return replace(sentence, spans=tuple(sorted((*kept, *taken))), left_out=left_out)


def _renamed(spans: Iterable[Span], types: Mapping[str, str]) -> list[Span]:
    renamed = (span._replace(label=types.get(span.label, span.label)) for span in spans)
    return [span for span in renamed if span.label]


def of_types(sentences: Iterable[Sentence], labels: Collection[str]) -> list[Sentence]:
    """Return the sentences without the spans of types that are not in ``labels``."""
    return [replace(each, spans=tuple(span for span in each.spans if span.label in labels)) for each in sentences]
