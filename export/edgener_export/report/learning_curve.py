"""The learning curve: the score of models that are trained on parts of the same sentences, and what it advises."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgener_export.report.record import CurvePoint


def standard_error(f1: float, entities: int) -> float:
    """Return the standard error of an F1 in percent, as of a share of this many independent entities."""
    share = f1 / 100
    return 100 * math.sqrt(max(share * (1 - share), 0.25 / max(1, entities)) / max(1, entities))


def advice(points: Sequence[CurvePoint], entities: int) -> str:
    """Return one sentence that says whether more labels would help, given points that are sorted by sentences.

    The last two points decide: a rise from one to the other that the ``entities`` of the test can tell from chance, as
    it is more than twice the standard error, would go on with more labels.
    """
    if len(points) < 2:
        return "There is no learning curve, so nothing says whether more labels would help."
    before, last = points[-2:]
    rise, noise = last.f1 - before.f1, 2 * standard_error(last.f1, entities)
    what = (
        f"From {before.sentences} to {last.sentences} sentences F1 rose by {rise:.1f} points"
        if rise >= 0
        else f"From {before.sentences} to {last.sentences} sentences F1 fell by {-rise:.1f} points"
    )
    if rise > noise:
        return (
            f"{what}, more than the {noise:.1f} that {entities} test entities leave to chance: more labels will help."
        )
    if entities < FEW_ENTITIES:
        return (
            f"{what}, which {entities} test entities cannot tell from chance ({noise:.1f} points): label more, and "
            "look again."
        )
    return (
        f"{what}, no more than the {noise:.1f} that {entities} test entities leave to chance: more labels of the same "
        "kind will hardly help; look at what is confused, and at another --base."
    )


FEW_ENTITIES = 200
"""The number of test entities below which a learning curve tells little."""
