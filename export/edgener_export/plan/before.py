"""The score that the base model has on the held-out sentences as it is, where it knows all types that are labelled."""

from __future__ import annotations

from edgener import Recognizer
from edgener_export.evaluation.recognize import recognize_all
from edgener_export.evaluation.score import score_spans
from edgener_export.plan.base import Base
from edgener_export.plan.preparation import Types, knows_all
from edgener_export.plan.split import Split


def base_f1(base: Base, types: Types, split: Split) -> float | None:
    """Return the base model's F1 on the held-out sentences, in percent; None where it does not know all types."""
    if base.directory is None or not knows_all(base, types):
        return None
    recognizer = Recognizer.load(base.directory)
    return score_spans(recognize_all(recognizer, split.held_out, types.labelled, types.of_base)).f1
