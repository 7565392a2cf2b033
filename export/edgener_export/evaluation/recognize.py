"""The score of a bundle, through the runtime that the device runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tqdm import tqdm

from edgener import Recognizer
from edgener.bundle import Quality
from edgener.tags import Span
from edgener_export.corpus.splits import Sentence
from edgener_export.evaluation.score import Score, score_spans

SpanPair = tuple[Sequence[Span], Sequence[Span]]


@dataclass(frozen=True)
class Evaluation:
    """The entities that a bundle found in labelled sentences, and their score."""

    bundle: Path
    """The directory of the bundle."""
    pairs: Sequence[SpanPair]
    """The expected and the found spans of each sentence."""
    quality: Quality
    """The score of the found spans, as a manifest records it."""


def recognize_all(
    recognizer: Recognizer,
    sentences: Sequence[Sentence],
    labels: Collection[str] | None = None,
    names: Mapping[str, str] = MappingProxyType({}),
) -> list[SpanPair]:
    """Return the expected spans of each sentence, and those of the found ones that are ``counted``.

    ``names`` are other names for types of the recognizer, which ``labels`` count with.
    """
    return [
        (sentence.spans, counted(sentence, spans, labels))
        for sentence, spans in zip(sentences, found_in(recognizer, sentences, names), strict=True)
    ]


def found_in(
    recognizer: Recognizer, sentences: Sequence[Sentence], names: Mapping[str, str] = MappingProxyType({})
) -> Iterator[list[Span]]:
    """Yield all spans that are found in each sentence; ``names`` are other names for types of the recognizer."""
    texts = tqdm((sentence.text for sentence in sentences), total=len(sentences), disable=None, desc="evaluate")
    for found in recognizer.batch(texts):
        yield [Span(each.start, each.end, names.get(each.label, each.label)) for each in found]


def counted(sentence: Sentence, spans: Iterable[Span], labels: Collection[str] | None = None) -> list[Span]:
    """Return the found spans that count for or against a model; only those of the types in ``labels``, if given.

    What overlaps an ignored range counts only where it is expected.
    """
    expected = set(sentence.spans)
    return [
        span
        for span in spans
        if (labels is None or span.label in labels)
        and (span in expected or not any(span.start < end and start < span.end for start, end in sentence.ignored))
    ]


def scores_by_label(pairs: Sequence[SpanPair]) -> dict[str, Score]:
    """Return the score of each expected entity type by its label, in alphabetical order."""
    labels = sorted({span.label for expected, _ in pairs for span in expected})
    return {label: score_spans(pairs, label) for label in labels}


def evaluate(
    bundle: Path, sentences: Sequence[Sentence], data: str, threads: int, labels: Collection[str] | None = None
) -> Evaluation:
    """Score a bundle on labelled sentences; ``data`` is the name of the sentences in a manifest.

    ``labels`` are the types that somebody labelled in the sentences; None stands for all that the bundle knows.
    """
    recognizer = Recognizer.load(bundle, threads=threads)
    pairs = recognize_all(recognizer, sentences, labels)
    score = score_spans(pairs)
    quality = Quality(
        data=data,
        sentences=len(sentences),
        graph=recognizer.manifest.precision,
        precision=round(score.precision, 2),
        recall=round(score.recall, 2),
        f1=round(score.f1, 2),
    )
    return Evaluation(bundle, pairs, quality)
