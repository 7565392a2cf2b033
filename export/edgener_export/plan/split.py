"""Labelled sentences divided into those that are learned and those that are held out, the same way at every call.

The checksums of the texts alone decide: sentences that are labelled later move few of the others, and
a text that occurs twice is never on both sides.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgener_export.corpus.sentence import Sentence
from edgener_export.errors import CorpusError

LEAST_SENTENCES = 20
"""The fewest sentences with which a training begins: fewer leave nothing to measure it on."""
HELD_OUT_SHARE = 0.2
"""The share of the sentences that is held out."""
MOST_HELD_OUT = 2_000
"""The most sentences that are held out: more would not make the score more certain in a way that matters."""
LEARNED_SHARE = 0.5
"""The least share of the entities of each type that is learned."""


@dataclass(frozen=True)
class Split:
    """Sentences to learn from, and sentences to measure on."""

    train: list[Sentence]
    """The sentences to learn from, so ordered that any first part of them has as many types as it can."""
    held_out: list[Sentence]
    untested: tuple[str, ...] = ()
    """Types that no held-out sentence has."""


def split(sentences: Sequence[Sentence], source: str) -> Split:
    """Divide the sentences of ``source``, which messages name. Raises CorpusError where there are too few.

    At most half of the entities of each type are held out, and so no type whose only sentence would be missed.
    """
    verify_enough(sentences, source)
    total = _counts(sentences)
    by_text = defaultdict(list)
    for sentence in sentences:
        by_text[sentence.text].append(sentence)
    wanted = min(MOST_HELD_OUT, round(HELD_OUT_SHARE * len(sentences)))
    held: Counter[str] = Counter()
    held_out: list[Sentence] = []
    train: list[Sentence] = []
    for text in sorted(by_text, key=_place):
        group = by_text[text]
        more = held + _counts(group)
        may_go = all(more[label] <= (1 - LEARNED_SHARE) * total[label] for label in more)
        if len(held_out) + len(group) <= wanted and may_go:
            held_out += group
            held = more
        else:
            train += group
    if not held:
        counts = ", ".join(f"{label} {count}" for label, count in sorted(total.items()))
        raise CorpusError(
            f"{source}: no entity can be held out to measure on, as each type is too rare ({counts}, in {len(by_text)} "
            "different texts); label more, or name sentences to measure on with --dev"
        )
    return Split(in_learning_order(train), held_out, tuple(sorted(set(total) - set(held))))


def verify_enough(sentences: Sequence[Sentence], source: str) -> None:
    """Raise CorpusError, which names ``source``, where there is nothing to learn."""
    if not any(sentence.spans for sentence in sentences):
        raise CorpusError(
            f"{source}: no sentence has an entity; there is nothing to learn: label some, or check --from"
        )
    if len(sentences) < LEAST_SENTENCES:
        raise CorpusError(
            f"{source}: has {len(sentences)} sentences, and a training needs at least {LEAST_SENTENCES}; label more"
        )


def in_learning_order(sentences: Iterable[Sentence]) -> list[Sentence]:
    """Return the sentences so that the first ones have all types, and the rest are in the order of their places."""
    seen: set[str] = set()
    first: list[Sentence] = []
    rest: list[Sentence] = []
    for sentence in sorted(sentences, key=lambda each: _place(each.text)):
        labels = {span.label for span in sentence.spans}
        (rest if labels <= seen else first).append(sentence)
        seen |= labels
    return first + rest


def contradictions(sentences: Sequence[Sentence]) -> int:
    """Return how many sentences repeat the text of an earlier one with other entities."""
    first: dict[str, Sentence] = {}
    return sum(first.setdefault(sentence.text, sentence).spans != sentence.spans for sentence in sentences)


def _place(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _counts(sentences: Iterable[Sentence]) -> Counter[str]:
    return Counter(span.label for sentence in sentences for span in sentence.spans)
