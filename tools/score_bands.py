"""The scores of right and of wrong answers on the MSRA test set: what a threshold such as ``--min-score`` keeps.

    python tools/score_bands.py                    the built-in bundle
    python tools/score_bands.py --model bundles/base

An answer is right if its span and its type are exactly those of the labels. The first run downloads the test set.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

from edgener import Recognizer
from edgener.built_in import DEFAULT_BUNDLE, bundle_directory
from edgener_export.cli.recipe import add_cache, cache_of
from edgener_export.corpus.msra import read_msra

THRESHOLDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99)


class Answer(NamedTuple):
    """An entity that the model found."""

    score: float
    is_right: bool


def main() -> None:
    """Recognize the test set and print one row for each threshold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=bundle_directory, default=DEFAULT_BUNDLE)
    add_cache(parser)
    options = parser.parse_args()
    sentences = read_msra(cache_of(options)).test
    answers = []
    for sentence, entities in zip(
        sentences, Recognizer.load(options.model).batch(sentence.text for sentence in sentences), strict=True
    ):
        expected = {tuple(span) for span in sentence.spans}
        answers += [Answer(it.score, (it.start, it.end, it.label) in expected) for it in entities]
    print(bands_table(answers))


def bands_table(answers: Sequence[Answer]) -> str:
    """Format, for each threshold, the share of right and of wrong answers at or above it, and the precision there."""
    right = [answer.score for answer in answers if answer.is_right]
    wrong = [answer.score for answer in answers if not answer.is_right]
    rows = [
        "| score at least | right answers kept | wrong answers kept | right among those kept |",
        "|---|---:|---:|---:|",
    ]
    for threshold in THRESHOLDS:
        kept_right, kept_wrong = (sum(score >= threshold for score in scores) for scores in (right, wrong))
        rows.append(
            f"| {threshold:.2f} | {_percent(kept_right, len(right))} | {_percent(kept_wrong, len(wrong))} "
            f"| {_percent(kept_right, kept_right + kept_wrong)} |"
        )
    return "\n".join(rows)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


if __name__ == "__main__":
    main()
