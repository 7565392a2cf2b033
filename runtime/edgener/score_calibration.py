"""The calibration of a bundle: the share of right answers that a score of the model stands for.

Temperature scaling (Guo et al., 2017) of the odds of a span, with the offset that Platt scaling (1999) has besides.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, isfinite, log

from edgener.errors import ManifestError

NEAREST = 1e-6
"""Distance from 0 and 1 that a score is taken to have at least, so that its odds are finite."""


@dataclass(frozen=True)
class CalibratedSet:
    """One labelled set that a calibration was chosen from or measured on."""

    data: str
    """Name of the set."""
    entities: int
    """Entities found in the sentences that the errors were measured on."""
    right: float
    """Percent of these entities that are exactly right."""
    error_before: float
    """Expected calibration error of the model's own scores, in percent."""
    error_after: float
    """Expected calibration error of the calibrated scores, in percent."""


@dataclass(frozen=True)
class Calibration:
    """The part of a manifest that turns the model's mean probability into the probability of being right.

    The logarithm of the odds is divided by the temperature, and the offset is added.
    """

    temperature: float
    """Number above 0; above 1, scores are drawn to the middle."""
    offset: float
    """Number that is added to the logarithm of the odds; below 0, scores become lower."""
    sets: tuple[CalibratedSet, ...]
    """Measured errors of each set, on sentences that did not choose the two numbers; the last is that of all sets."""

    def __post_init__(self) -> None:
        """Raise ManifestError for numbers that would not keep the order of scores."""
        if not (isfinite(self.temperature) and self.temperature > 0):
            raise ManifestError(f"calibration.temperature is {self.temperature}; it must be a number above 0")
        if not isfinite(self.offset):
            raise ManifestError(f"calibration.offset is {self.offset}; it must be a finite number")

    def calibrated(self, score: float) -> float:
        """Return the probability of being right of an entity to which the model gives ``score``, both in [0, 1]."""
        return probability(log_odds(score) / self.temperature + self.offset)

    def own(self, score: float) -> float:
        """Return the model's own score of an entity whose calibrated score is ``score``, both in [0, 1]."""
        return probability((log_odds(score) - self.offset) * self.temperature)


def rescaled(score: float, before: Calibration | None, after: Calibration | None) -> float:
    """Return the score with the calibration ``after`` of an entity whose score is ``score`` with ``before``.

    Without a calibration scores are the model's own.
    """
    own = before.own(score) if before else score
    return after.calibrated(own) if after else own


def log_odds(score: float) -> float:
    """Return the logarithm of the odds of a probability, which is taken to be at least NEAREST from 0 and 1."""
    inside = min(max(score, NEAREST), 1 - NEAREST)
    return log(inside / (1 - inside))


def probability(log_odds: float) -> float:
    """Return the probability whose odds have this logarithm."""
    return 1 / (1 + exp(-log_odds)) if log_odds > -700 else 0.0
