"""Intervals of an F1, and the significance of a difference between two, by drawing sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgener.tags import Span
from edgener_export.evaluation.score import score_spans

RESAMPLES = 1000
"""Bootstrap samples of the sentences (Efron, 1979) that an interval is read from."""
CONFIDENCE = 0.95
"""Share of the samples whose F1 lies inside the interval."""
SHUFFLES = 10_000
"""Random exchanges of the answers to sentences that a significance is read from."""
MOST_DRAWN = 10_000_000
"""Random numbers that are drawn at once, at most, but for those of one sample: bounds the memory."""

Counts = NDArray[np.int64]
"""Numbers of correct, found and expected spans of each sentence: shape [sentences, 3]."""


class Interval(NamedTuple):
    """Bounds of a bootstrap interval, in percent."""

    low: float
    high: float


def exact_counts(pairs: Iterable[tuple[Sequence[Span], Sequence[Span]]], label: str | None = None) -> Counts:
    """Return the counts of (expected, found) pairs, one a sentence, of one type where ``label`` is given."""
    scores = (score_spans([pair], label) for pair in pairs)
    counts = [(score.correct, score.predicted, score.expected) for score in scores]
    return np.array(counts, dtype=np.int64).reshape(-1, 3)


def f1_interval(counts: Counts, seed: int = 0) -> Interval:
    """Return the percentile bootstrap interval of the F1 over sentences; ``seed`` decides the samples."""
    if not len(counts):
        return Interval(0.0, 0.0)
    generator = np.random.default_rng(seed)
    shares = np.full(len(counts), 1 / len(counts))
    samples = [
        _f1(generator.multinomial(len(counts), shares, size=size) @ counts) for size in _blocks(RESAMPLES, counts)
    ]
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(np.concatenate(samples), [tail, 100 - tail])
    return Interval(float(low), float(high))


def significance(one: Counts, other: Counts, seed: int = 0) -> float:
    """Return the probability of a difference of F1 at least this large if both models were equally good.

    The answers to each sentence are exchanged at random (approximate randomization: Noreen, 1989), SHUFFLES times;
    ``one`` and ``other`` are the counts of both models over the same sentences.
    """
    differs = (one != other).any(axis=1)
    sums, differences = one.sum(axis=0), (other - one)[differs]
    other_sums = other.sum(axis=0)
    observed = abs(_f1(sums) - _f1(other_sums))
    generator = np.random.default_rng(seed)
    as_large = 0
    for size in _blocks(SHUFFLES, differences):
        exchanged = generator.integers(0, 2, size=(size, len(differences)))
        moved = exchanged @ differences
        gaps = np.abs(_f1(sums + moved) - _f1(other_sums - moved))
        as_large += int(np.count_nonzero(gaps >= observed - 1e-9))
    return (as_large + 1) / (SHUFFLES + 1)


def _blocks(samples: int, counts: Counts) -> Iterator[int]:
    """Yield sizes that add up to ``samples``; so many at once, each of a number a sentence, fit into the memory."""
    most = max(1, MOST_DRAWN // max(1, len(counts)))
    for start in range(0, samples, most):
        yield min(most, samples - start)


def _f1(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the F1 in percent of counts [..., 3]."""
    correct, found, expected = np.moveaxis(counts, -1, 0)
    return np.asarray(200 * correct / np.maximum(1, found + expected), dtype=np.float64)
