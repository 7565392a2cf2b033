"""The agreement of a new model with the one before it about the types that nobody labelled anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from edgener import Recognizer
from edgener.tags import Span
from edgener_export.corpus.overlaps import overlap
from edgener_export.corpus.sentence import Sentence
from edgener_export.evaluation.recognize import recognize_all
from edgener_export.evaluation.score import score_spans
from edgener_export.report.record import TypeScore


def agreement(
    old: Path, new: Path, sentences: Sequence[Sentence], kept: Sequence[str], types: Mapping[str, str]
) -> dict[str, TypeScore]:
    """Return the score of the new bundle's entities, by type, where those of the old one count as right.

    ``types`` are the new model's names for the old one's types. What overlaps a labelled entity does not count, since
    there the labels decide. Types that neither bundle finds are left out.
    """
    by_old = recognize_all(Recognizer.load(old), sentences, kept, types)
    by_new = recognize_all(Recognizer.load(new), sentences, kept)
    pairs = [
        (_counted(before, sentence), _counted(after, sentence))
        for sentence, (_, before), (_, after) in zip(sentences, by_old, by_new, strict=True)
    ]
    scores = {label: score_spans(pairs, label) for label in kept}
    return {label: TypeScore.of(score) for label, score in scores.items() if score.expected or score.predicted}


def _counted(spans: Sequence[Span], sentence: Sentence) -> list[Span]:
    """Return the spans that overlap no labelled entity."""
    return [span for span in spans if not any(overlap(span, each) for each in sentence.spans)]
