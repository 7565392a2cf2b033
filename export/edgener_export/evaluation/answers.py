"""The scored answers of a model to labelled sets, and which of them are right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edgener import Recognizer
from edgener.bundle import Bundle
from edgener.recognizer import open_recognizer
from edgener.tags import Span
from edgener_export.corpus.sentence import Sentence
from edgener_export.evaluation.recognize import counted
from edgener_export.evaluation.suite import LabelledSet


@dataclass(frozen=True)
class Answers:
    """The entities that a model found in a labelled set, in columns."""

    data: str
    """The name of the set."""
    labels: tuple[str, ...]
    """The type of each entity."""
    scores: NDArray[np.float64]
    """The score of each entity: shape [entities]."""
    right: NDArray[np.bool_]
    """True for each entity that is exactly right: shape [entities]."""
    expected: Counter[str]
    """The number of expected entities by type, found or not."""

    @property
    def weights(self) -> NDArray[np.float64]:
        """Return the weight of each entity: all sets have the same weight, however large they are."""
        return np.full(len(self.labels), 1 / max(1, len(self.labels)))


def uncalibrated(bundle: Bundle, threads: int) -> Recognizer:
    """Return the model of a bundle without its calibration and its rules."""
    manifest = replace(bundle.manifest, calibration=None, rules=None)
    return open_recognizer(replace(bundle, manifest=manifest), threads=threads)


def answers_to(recognizer: Recognizer, labelled: LabelledSet) -> Answers:
    """Return what a model finds in a set, as ``evaluate --suite`` counts it.

    Types that the set does not have, and what lies in ignored ranges, are left out.
    """
    texts = tqdm((sentence.text for sentence in labelled.sentences), len(labelled.sentences), disable=None)
    texts.set_description(labelled.name)
    labels: list[str] = []
    scores: list[float] = []
    right: list[bool] = []
    for sentence, entities in zip(labelled.sentences, recognizer.batch(texts), strict=True):
        score_of = {Span(it.start, it.end, it.label): it.score for it in entities}
        for span in counted(sentence, score_of, labelled.labels):
            labels.append(span.label)
            scores.append(score_of[span])
            right.append(span in sentence.spans)
    expected = Counter(span.label for sentence in labelled.sentences for span in sentence.spans)
    return Answers(labelled.name, tuple(labels), np.array(scores, dtype=float), np.array(right, dtype=bool), expected)


def halves(labelled: LabelledSet) -> tuple[LabelledSet, LabelledSet]:
    """Return two halves of a set, by a checksum of each text, so that equal texts are in the same half."""
    sides: tuple[list[Sentence], list[Sentence]] = ([], [])
    for sentence in labelled.sentences:
        sides[crc32(sentence.text.encode("utf-8", "surrogatepass")) & 1].append(sentence)
    return LabelledSet(labelled.name, sides[0]), LabelledSet(labelled.name, sides[1])


def joined(parts: Sequence[Answers], name: str) -> Answers:
    """Return the answers to all of several sets as those to one."""
    return Answers(
        name,
        tuple(label for part in parts for label in part.labels),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.right for part in parts]),
        sum((part.expected for part in parts), Counter()),
    )


def joined_weights(parts: Iterable[Answers]) -> NDArray[np.float64]:
    """Return the weights of the answers of ``joined``."""
    return np.concatenate([part.weights for part in parts])
