"""The unlabelled sentences whose labels would teach a model most: uncertain ones that differ from each other.

Uncertainty: maximum normalized log-probability (Shen et al., Deep Active Learning for Named Entity Recognition, 2018),
which is least confidence (Culotta and McCallum, 2005) over the length. Diversity: maximal marginal relevance (Carbonell
and Goldstein, 1998) over the pairs of neighbouring characters, so that no two alike sentences are labelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappush, heappushpop
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from edgener import Recognizer

POOL = 20
"""Candidates that are kept for each sentence to choose: the most uncertain ones of the whole text."""
MOST_CANDIDATES = 10_000
"""Most candidates, so that neither memory nor time grow with the number of sentences to choose."""
DIMENSIONS = 4096
"""Places of the vector of a sentence, into which its pairs of characters are hashed."""


class Candidate(NamedTuple):
    """A sentence with what a model does not know of it."""

    uncertainty: float
    """Mean of the negative logarithm of the probability of each token's best tag; 0 for a certain answer."""
    number: int
    """Number of the sentence in the text, from 0."""
    text: str


def candidates(texts: Iterable[str], recognizer: Recognizer, keep: int) -> list[Candidate]:
    """Return the ``keep`` most uncertain texts, in order; of equal ones the first. A text counts once.

    No more than these are held in memory, besides a checksum of each text.
    """
    best: list[tuple[float, int, str]] = []
    seen: set[int] = set()
    for number, text in enumerate(texts):
        checksum = hash(text)  # 64 bits
        if checksum in seen or not text.strip():
            continue
        seen.add(checksum)
        entry = (uncertainty(recognizer.logits(text)), -number, text)
        if len(best) < keep:
            heappush(best, entry)
        else:
            heappushpop(best, entry)
    return [Candidate(doubt, -number, text) for doubt, number, text in sorted(best, reverse=True)]


def uncertainty(windows: Sequence[NDArray[np.float32]]) -> float:
    """Return the mean negative log-probability of the best tag of each token of windows of logits [tokens, tags]."""
    logits = np.concatenate(windows) if windows else np.zeros((0, 1), dtype=np.float32)
    if not len(logits):
        return 0.0
    above_best = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return float(np.log(np.exp(above_best).sum(axis=1)).mean())


def diverse(found: Sequence[Candidate], number: int, diversity: float) -> Iterator[Candidate]:
    """Yield up to ``number`` candidates, each the one that is most uncertain and least like those before it.

    ``diversity`` from 0 to 1 is the weight of the likeness; with 0, the most uncertain candidates are chosen.
    """
    if not found:
        return
    vectors = np.stack([_vector(candidate.text) for candidate in found])
    doubts = np.array([candidate.uncertainty for candidate in found])
    doubts = doubts / (doubts.max() or 1)
    likeness = np.zeros(len(found))
    is_left = np.ones(len(found), dtype=bool)
    for _ in range(min(number, len(found))):
        values = np.where(is_left, (1 - diversity) * doubts - diversity * likeness, -np.inf)
        best = int(np.argmax(values))
        is_left[best] = False
        yield found[best]
        likeness = np.maximum(likeness, vectors @ vectors[best])


def _vector(text: str) -> NDArray[np.float32]:
    """Return a vector of length 1 of the pairs of neighbouring characters of a text; 0 for a single character."""
    vector = np.zeros(DIMENSIONS, dtype=np.float32)
    for start in range(len(text) - 1):
        vector[crc32(text[start : start + 2].encode("utf-8", "surrogatepass")) % DIMENSIONS] += 1
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector
