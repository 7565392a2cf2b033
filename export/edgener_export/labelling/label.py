"""Unlabelled texts to sentences with fused labels, a block at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from edgener import Recognizer
from edgener.tags import Span
from edgener_export.corpus.sentence import Sentence
from edgener_export.labelling.fuse import KnownNames, Trusts, fuse
from edgener_export.labelling.kind_text import KindText
from edgener_export.labelling.lac import Lac

BLOCK = 1024
"""Texts that are looked at together, so that neighbours in length share a batch."""


def label_texts(
    texts: Sequence[KindText], recognizer: Recognizer, lac: Lac, known: KnownNames, trusts: Trusts
) -> Iterator[Sentence | None]:
    """Yield a labelled sentence for each text, in order; None for a text whose characters LAC does not return."""
    for start in range(0, len(texts), BLOCK):
        block = [each.text for each in texts[start : start + BLOCK]]
        by_length = sorted(range(len(block)), key=lambda number: len(block[number]))
        words = dict(zip(by_length, lac.words([block[number] for number in by_length]), strict=True))
        for number, (text, entities) in enumerate(zip(block, recognizer.batch(block), strict=True)):
            found = words[number]
            yield None if found is None else fuse(text, entities, found, known, trusts[texts[start + number].kind])


def lac_labels(texts: Sequence[str], lac: Lac, types: Collection[str]) -> Iterator[Sentence | None]:
    """Yield each text with LAC's own entities of some types; None for a text whose characters LAC does not return."""
    for text, words in zip(texts, lac.words(texts), strict=True):
        yield None if words is None else Sentence(text, tuple(Span(*word) for word in words if word.tag in types))
