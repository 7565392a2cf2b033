"""Calibration of scores: how far they are from the share of right answers, and the numbers that bring them there.

Expected calibration error and temperature scaling: Guo et al., On Calibration of Modern Neural Networks, 2017. The
offset, and targets that keep the numbers finite: Platt, Probabilistic Outputs for Support Vector Machines, 1999.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgener.score_calibration import NEAREST, CalibratedSet, Calibration
from edgener_export.errors import CorpusError
from edgener_export.evaluation.answers import Answers, joined, joined_weights

BINS = 15
"""Intervals of equal width, over whose scores and right answers the error is averaged (Guo et al.)."""
STEPS = 100
"""Most steps of Newton's method."""
LEAST_GAIN = 0.5
"""Percentage points of calibration error that a way with more numbers must win over a simpler one."""
OWN, TEMPERATURE, OFFSET, BY_TYPE = "own scores", "temperature", "with offset", "by type"
"""Ways to calibrate, from the simplest to the one with the most numbers; the last one is measured only."""
ALL = "all"

Floats = NDArray[np.float64]
Line = tuple[float, float]
"""Slope and offset of the logarithm of the odds."""


@dataclass(frozen=True)
class Measured:
    """The calibration errors of all ways on the sentences that chose none of them."""

    sets: tuple[str, ...]
    """Names of the sets; the last one is ``all``, in which all sets have the same weight."""
    entities: tuple[int, ...]
    """Entities found in each set."""
    right: tuple[float, ...]
    """Percent of them that are exactly right."""
    errors: Mapping[str, tuple[float, ...]]
    """Expected calibration error in percent of each way, for each set."""
    lines: Mapping[str, Line]
    """Slope and offset of the ways that a bundle can hold."""

    @property
    def best(self) -> str:
        """Return the simplest way that no other one beats by LEAST_GAIN; ``own scores`` if none helps."""
        best = OWN
        for way in (TEMPERATURE, OFFSET):
            if self.errors[way][-1] <= self.errors[best][-1] - LEAST_GAIN:
                best = way
        return best

    def calibration(self, way: str) -> Calibration:
        """Return what a manifest holds of one way."""
        slope, offset = self.lines[way]
        columns = zip(self.sets, self.entities, self.right, self.errors[OWN], self.errors[way], strict=True)
        return Calibration(
            temperature=round(1 / slope, 4),
            offset=round(offset, 4),
            sets=tuple(
                CalibratedSet(name, entities, round(right, 2), round(before, 2), round(after, 2))
                for name, entities, right, before, after in columns
            ),
        )


def measure(chosen_on: Sequence[Answers], measured_on: Sequence[Answers]) -> Measured:
    """Choose the numbers of each way on some answers, and return its errors on others.

    Raises CorpusError where scores do not tell right answers from wrong ones, and where there is nothing to measure on.
    """
    if not any(len(answers.labels) for answers in measured_on):
        names = ", ".join(answers.data for answers in measured_on)
        raise CorpusError(
            f"{names}: the model found no entity that counts there, so that nothing can be measured; measure on more "
            "labelled sentences, whose types the model knows"
        )
    together, weights = joined(chosen_on, ALL), joined_weights(chosen_on)
    lines = {
        TEMPERATURE: fitted_line(together.scores, together.right, weights, has_offset=False),
        OFFSET: fitted_line(together.scores, together.right, weights, has_offset=True),
    }
    by_type = _lines_by_type(together, weights, lines[OFFSET])
    measured_on = [answers for answers in measured_on if len(answers.labels)]
    everything = joined(measured_on, ALL)
    parts = [(answers, answers.weights) for answers in measured_on] + [(everything, joined_weights(measured_on))]

    def error(answers: Answers, part_weights: Floats, way: str) -> float:
        if way == OWN:
            scores = answers.scores
        elif way == BY_TYPE:
            slopes, offsets = np.array([by_type.get(label, lines[OFFSET]) for label in answers.labels]).T
            scores = _probability(slopes * _log_odds(answers.scores) + offsets)
        else:
            slope, offset = lines[way]
            scores = _probability(slope * _log_odds(answers.scores) + offset)
        return calibration_error(scores, answers.right, part_weights)

    return Measured(
        sets=tuple(answers.data for answers, _ in parts),
        entities=tuple(len(answers.labels) for answers, _ in parts),
        right=tuple(100 * float(np.average(answers.right, weights=w)) for answers, w in parts),
        errors={way: tuple(error(*part, way) for part in parts) for way in (OWN, TEMPERATURE, OFFSET, BY_TYPE)},
        lines=lines,
    )


def calibration_error(scores: Floats, right: NDArray[np.bool_], weights: Floats | None = None) -> float:
    """Return the expected calibration error in percent: the mean gap between score and share of right answers.

    Answers are gathered in BINS intervals of the score; each answer counts with its weight.
    """
    weights = np.ones(len(scores)) if weights is None else weights
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights * (scores - right), minlength=BINS)
    return 100 * float(np.abs(gaps).sum() / weights.sum())


def fitted_line(scores: Floats, right: NDArray[np.bool_], weights: Floats, *, has_offset: bool) -> Line:
    """Return the slope and the offset of the log-odds that give the right answers the highest likelihood.

    Raises CorpusError where there are no right or no wrong answers, or a higher score does not mean more right ones.
    """
    number_right, number = int(right.sum()), len(right)
    if number_right in (0, number):
        raise CorpusError(
            f"{number_right} of the {number} entities found are right; a calibration needs right and wrong ones: "
            "give more labelled sentences"
        )
    targets = np.where(right, (number_right + 1) / (number_right + 2), 1 / (number - number_right + 2))
    columns = np.stack([_log_odds(scores), np.ones(number)], axis=1)[:, : 1 + has_offset]
    line = _logistic_regression(columns, targets, weights / weights.sum())
    if not line[0] > 0:
        raise CorpusError("a higher score does not mean more right answers here; is the data labelled for this model?")
    return float(line[0]), float(line[1]) if has_offset else 0.0


def _logistic_regression(columns: Floats, targets: Floats, weights: Floats) -> Floats:
    """Return the coefficients of a logistic regression by Newton's method, whose steps are halved where they fail."""
    coefficients = np.zeros(columns.shape[1])
    coefficients[0] = 1

    def loss(at: Floats) -> float:
        odds = columns @ at
        return float(weights @ (np.logaddexp(0, odds) - targets * odds))

    for _ in range(STEPS):
        found = _probability(columns @ coefficients)
        gradient = columns.T @ (weights * (found - targets))
        curvature = (columns * (weights * found * (1 - found))[:, None]).T @ columns
        step = np.linalg.solve(curvature + 1e-12 * np.eye(len(gradient)), gradient)
        now = loss(coefficients)
        while loss(coefficients - step) > now and np.abs(step).max() > 1e-12:
            step = step / 2
        coefficients = coefficients - step
        if np.abs(step).max() < 1e-9:
            break
    return coefficients


def _lines_by_type(answers: Answers, weights: Floats, otherwise: Line) -> dict[str, Line]:
    """Return slope and offset of each type, and ``otherwise`` for a type that has too few answers."""
    lines: dict[str, Line] = {}
    labels = np.array(answers.labels)
    for label in sorted(set(answers.labels)):
        own = labels == label
        try:
            lines[label] = fitted_line(answers.scores[own], answers.right[own], weights[own], has_offset=True)
        except CorpusError:
            lines[label] = otherwise
    return lines


def _log_odds(scores: Floats) -> Floats:
    inside = np.clip(scores, NEAREST, 1 - NEAREST)
    return np.log(inside / (1 - inside))


def _probability(log_odds: Floats) -> Floats:
    return np.exp(-np.logaddexp(0, -log_odds))
