"""The lowest score of each type, chosen on labelled data for a precision or for the best F1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgener.score_calibration import Calibration, rescaled
from edgener_export.evaluation.answers import Answers, joined

DIGITS = 10000
"""Thresholds are rounded down to one part in so many, so that the answers which chose them are kept."""
LEAST_ANSWERS = 30
"""Fewest answers that a precision is measured on."""
Floats = NDArray[np.float64]


class Kept(NamedTuple):
    """The answers of one type at or above each score, from the highest score down; each set has the same weight.

    Answers and expected entities are counted as shares of all entities that their set expects, or that were found in it
    where those are more.
    """

    scores: Floats
    right: Floats
    found: Floats
    expected: float
    number: NDArray[np.int64]
    """The number of answers, of all sets."""

    @property
    def precision(self) -> Floats:
        """Return the share of right answers among those kept, for each score."""
        return self.right / self.found

    @property
    def f1(self) -> Floats:
        """Return the F1 of those kept, from 0 to 1, for each score."""
        return 2 * self.right / (self.found + self.expected)


def lowest_for_precision(precision: float) -> Callable[[Kept], int | None]:
    """Return a choice of the lowest score from which on at least this share of LEAST_ANSWERS or more is right."""

    def choose(kept: Kept) -> int | None:
        fitting = np.flatnonzero((kept.precision >= precision) & (kept.number >= LEAST_ANSWERS))
        return int(fitting[-1]) if len(fitting) else None

    return choose


def best_f1(kept: Kept) -> int | None:
    """Return the place of the score with the highest F1, of equal ones the lowest score."""
    return len(kept.f1) - 1 - int(np.argmax(kept.f1[::-1])) if len(kept.f1) else None


def why_none(answers: Sequence[Answers], label: str, precision: float) -> str:
    """Return why ``lowest_for_precision`` chooses no score for a type, in the words of a message."""
    number = sum(part.labels.count(label) for part in answers)
    if number < LEAST_ANSWERS:
        return f"a precision needs {LEAST_ANSWERS} answers, and the sentences that choose have {number}"
    return f"no score reaches a precision of {precision:g} on at least {LEAST_ANSWERS} answers"


def moved_min_score(score: float, before: Calibration | None, after: Calibration | None) -> float:
    """Return the lowest score that keeps, with the calibration ``after``, the entities that ``score`` keeps ``before``.

    Without a calibration scores are the model's own.
    """
    lowest, highest = (before.calibrated(0.0), before.calibrated(1.0)) if before else (0.0, 1.0)
    if score <= lowest:
        return 0.0  # keeps every entity
    if score > highest:
        return 1.0  # keeps none
    return rescaled(score, before, after)


def min_scores(answers: Sequence[Answers], choose: Callable[[Kept], int | None]) -> dict[str, float | None]:
    """Return the lowest score of each type that ``choose`` chooses; None for a type of which no score will do."""
    labels = sorted({label for part in answers for label in part.labels})
    return {label: _chosen(kept_answers(answers, label), choose) for label in labels}


def kept_answers(answers: Sequence[Answers], label: str) -> Kept:
    """Return what each threshold keeps of the answers of one type; equal scores are kept together."""
    together = joined(answers, label)
    own = np.array([it == label for it in together.labels], dtype=bool)
    weight_of = [1 / max(1, sum(part.expected.values()), len(part.labels)) for part in answers]
    weights = np.repeat(weight_of, [len(part.labels) for part in answers])[own]
    scores, right = together.scores[own], together.right[own]
    order = np.argsort(-scores, kind="stable")
    scores = scores[order]
    is_last = np.append(scores[1:] != scores[:-1], True)[: len(scores)]
    expected = sum(part.expected[label] * weight for part, weight in zip(answers, weight_of, strict=True))
    return Kept(
        scores[is_last],
        np.cumsum(weights[order] * right[order])[is_last],
        np.cumsum(weights[order])[is_last],
        expected,
        np.flatnonzero(is_last) + 1,
    )


def _chosen(kept: Kept, choose: Callable[[Kept], int | None]) -> float | None:
    place = choose(kept)
    if place is None:
        return None
    if place == len(kept.scores) - 1:
        return 0.0  # nothing that was seen lies below
    return floor(float(kept.scores[place]) * DIGITS) / DIGITS


def outcome(answers: Sequence[Answers], label: str, min_score: float) -> tuple[float, float, float]:
    """Return precision, recall and F1, in percent, of the answers of one type from ``min_score`` on."""
    kept = kept_answers(answers, label)
    number = int(np.count_nonzero(kept.scores >= min_score))
    if not number:
        return 0.0, 0.0, 0.0
    right, found = kept.right[number - 1], kept.found[number - 1]
    recall = right / kept.expected if kept.expected else 0.0
    return 100 * float(right / found), 100 * float(recall), 100 * float(kept.f1[number - 1])
