"""Scores of models over a directory of labelled sets: exact and overlapping spans, by type, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edgener.tags import Span
from edgener_export.corpus.formats import FORMATS
from edgener_export.corpus.sentence import Sentence, labels_of
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.corpus.text_file import PACKED
from edgener_export.errors import CorpusError
from edgener_export.evaluation.bootstrap import Interval, exact_counts, f1_interval
from edgener_export.evaluation.recognize import SpanPair, counted
from edgener_export.evaluation.score import overlap_f1, score_spans

SET_SUFFIXES = (".jsonl", *(f".jsonl{suffix}" for suffix in PACKED))
"""File names that a suite's directory is searched for."""
FORMAT_SUFFIXES = frozenset(
    {".txt", ".conll"}.union(*([f".{name}", *known.suffixes] for name, known in FORMATS.items()))
)
"""Suffixes that say the format of a labelled file and are no part of its set's name."""


@dataclass(frozen=True)
class LabelledSet:
    """A named set of labelled sentences."""

    name: str
    sentences: Sequence[Sentence]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Return the entity types that occur in the set; spans of other types are not scored on it."""
        return labels_of(self.sentences)

    @property
    def categories(self) -> tuple[str, ...]:
        """Return the categories of the sentences in their order, without the empty one."""
        return tuple(dict.fromkeys(sentence.category for sentence in self.sentences if sentence.category))


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


def set_name(path: Path) -> str:
    """Return the name of a labelled file's set: its file name without the suffixes of its format and its packing."""
    unpacked = path.with_suffix("") if path.suffix in PACKED else path
    return unpacked.stem if unpacked.suffix in FORMAT_SUFFIXES else unpacked.name


def read_suite(directory: Path, read: Callable[[Path], Sequence[Sentence]] = read_corpus_file) -> list[LabelledSet]:
    """Return the labelled sets of a directory, in the order of their names; ``read`` reads each file.

    Raises CorpusError for a directory without any or with two of one name, and what reading a labelled file raises.
    """
    paths = (
        sorted(path for path in directory.iterdir() if path.name.endswith(SET_SUFFIXES)) if directory.is_dir() else []
    )
    if not paths:
        raise CorpusError(f"{directory}: has no labelled sets; put files of JSON lines (*.jsonl) there")
    by_name: dict[str, Path] = {}
    for path in paths:
        name = set_name(path)
        other = by_name.setdefault(name, path)
        if other != path:
            raise CorpusError(f"{path}: is the set {name}, and so is {other}; rename one of them or move it away")
    return [LabelledSet(name, read(path)) for name, path in by_name.items()]


def score_set(labelled: LabelledSet, found: Sequence[Sequence[Span]], seed: int = 0) -> SetScore:
    """Return the score of the ``found`` spans of each sentence; ``seed`` decides the bootstrap samples.

    Found spans of types that the set does not have are left out, and so are those that overlap an ignored range and
    are not expected.
    """
    pairs = counted_pairs(labelled, found)
    exact = score_spans(pairs)
    return SetScore(
        exact=exact.f1,
        interval=f1_interval(exact_counts(pairs), seed),
        overlap=overlap_f1(pairs),
        by_label={label: score_spans(pairs, label).f1 for label in labelled.labels},
        by_category={category: _found_share(labelled.sentences, pairs, category) for category in labelled.categories},
        sentences=len(labelled.sentences),
        spans=exact.expected,
    )


def counted_pairs(labelled: LabelledSet, found: Iterable[Iterable[Span]]) -> list[SpanPair]:
    """Return the expected and the found spans of each sentence; of the found ones, those that count."""
    return [
        (sentence.spans, counted(sentence, spans, labelled.labels))
        for sentence, spans in zip(labelled.sentences, found, strict=True)
    ]


def _found_share(sentences: Sequence[Sentence], pairs: Sequence[SpanPair], category: str) -> float:
    """Return the percentage of a category's sentences whose expected spans were all found."""
    outcomes = [
        set(expected) <= set(found)
        for sentence, (expected, found) in zip(sentences, pairs, strict=True)
        if sentence.category == category
    ]
    return 100 * sum(outcomes) / len(outcomes)
