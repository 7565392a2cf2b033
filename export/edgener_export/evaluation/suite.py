"""Scores of models over a directory of labelled sets: exact and overlapping spans, by type, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgener.tags import Span
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.errors import CorpusError
from edgener_export.evaluation.score import Score, overlap_f1

SET_SUFFIXES = (".jsonl", ".jsonl.xz")
"""File names that a suite's directory is searched for."""
RESAMPLES = 1000
"""Bootstrap samples of the sentences (Efron, 1979) that an interval is read from."""
CONFIDENCE = 0.95
"""Share of the samples whose F1 lies inside the interval."""


@dataclass(frozen=True)
class LabelledSet:
    """A named set of labelled sentences."""

    name: str
    sentences: Sequence[Sentence]

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the entity types that occur in the set; spans of other types are not scored on it."""
        return tuple(sorted({span.label for sentence in self.sentences for span in sentence.spans}))

    @property
    def categories(self) -> tuple[str, ...]:
        """Return the categories of the sentences in their order, without the empty one."""
        return tuple(dict.fromkeys(sentence.category for sentence in self.sentences if sentence.category))


class Interval(NamedTuple):
    """Bounds of a bootstrap interval, in percent."""

    low: float
    high: float


@dataclass(frozen=True)
class SetScore:
    """The score of one model on one set, in percent."""

    exact: float
    """F1 of spans with both ends and the type right."""
    interval: Interval
    """Bootstrap interval of ``exact`` over sentences."""
    overlap: float
    """F1 of spans that overlap one of the same type."""
    by_label: dict[str, float]
    """Exact F1 of each type of the set."""
    by_category: dict[str, float]
    """Share of each category's sentences in which every expected span was found exactly."""
    sentences: int
    spans: int
    """Expected spans."""


def has_sets(path: Path) -> bool:
    """Return whether a path is a directory of labelled sets."""
    return path.is_dir() and any(found.name.endswith(SET_SUFFIXES) for found in path.iterdir())


def read_suite(directory: Path) -> list[LabelledSet]:
    """Return the labelled sets of a directory, in the order of their names.

    Raises CorpusError for a directory without any, and what reading a labelled file raises.
    """
    paths = (
        sorted(path for path in directory.iterdir() if path.name.endswith(SET_SUFFIXES)) if directory.is_dir() else []
    )
    if not paths:
        raise CorpusError(f"{directory}: has no labelled sets; put files of JSON lines (*.jsonl) there")
    return [LabelledSet(path.name.partition(".")[0], read_corpus_file(path)) for path in paths]


def score_set(labelled: LabelledSet, found: Sequence[Sequence[Span]], seed: int = 0) -> SetScore:
    """Return the score of the ``found`` spans of each sentence; ``seed`` decides the bootstrap samples.

    Found spans of types that the set does not have are left out, and so are those that overlap an ignored range and
    are not expected.
    """
    labels = labelled.labels
    kept = [counted(sentence, spans, labels) for sentence, spans in zip(labelled.sentences, found, strict=True)]
    exact = _exact_counts(labelled.sentences, kept)
    return SetScore(
        exact=_f1(exact.sum(axis=0)),
        interval=_interval(exact, seed),
        overlap=overlap_f1(zip((sentence.spans for sentence in labelled.sentences), kept, strict=True)),
        by_label={label: _f1(_exact_counts(labelled.sentences, kept, label).sum(axis=0)) for label in labels},
        by_category={category: _found_share(labelled.sentences, kept, category) for category in labelled.categories},
        sentences=len(labelled.sentences),
        spans=int(exact[:, 2].sum()),
    )


def counted(sentence: Sentence, spans: Iterable[Span], labels: Sequence[str]) -> list[Span]:
    """Return the found spans that count for or against a model."""
    expected = set(sentence.spans)
    return [
        span
        for span in spans
        if span.label in labels
        and (span in expected or not any(span.start < end and start < span.end for start, end in sentence.ignored))
    ]


def _exact_counts(
    sentences: Sequence[Sentence], found: Sequence[Sequence[Span]], label: str | None = None
) -> NDArray[np.int64]:
    """Return the numbers of correct, found and expected spans of each sentence: shape [sentences, 3]."""
    counts = []
    for sentence, spans in zip(sentences, found, strict=True):
        expected = {span for span in sentence.spans if label in (None, span.label)}
        given = {span for span in spans if label in (None, span.label)}
        counts.append((len(expected & given), len(given), len(expected)))
    return np.array(counts, dtype=np.int64).reshape(-1, 3)


def _f1(counts: NDArray[np.int64]) -> float:
    """Return the F1 in percent of the numbers of correct, found and expected spans."""
    return Score(*(int(count) for count in counts)).f1


def _interval(counts: NDArray[np.int64], seed: int) -> Interval:
    """Return the percentile bootstrap interval of the F1 of counts [sentences, 3]."""
    generator = np.random.default_rng(seed)
    weights = generator.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=RESAMPLES)
    correct, found, expected = (weights @ counts).T
    scores = 200 * correct / np.maximum(1, found + expected)
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(scores, [tail, 100 - tail])
    return Interval(float(low), float(high))


def _found_share(sentences: Sequence[Sentence], found: Sequence[Sequence[Span]], category: str) -> float:
    """Return the percentage of a category's sentences whose expected spans were all found."""
    outcomes = [
        set(sentence.spans) <= set(spans)
        for sentence, spans in zip(sentences, found, strict=True)
        if sentence.category == category
    ]
    return 100 * sum(outcomes) / len(outcomes)
