"""The plot of the scores over a directory of labelled sets: F1 of each model on each set, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from matplotlib.figure import Figure

from edgener_export.evaluation.suite import LabelledSet
from edgener_export.evaluation.suite_table import Scores
from edgener_export.report.plots import COLOURS, INK, WIDTH, as_svg

ROW = 0.12
"""Inches for each model on each set."""
MARKERS = "osD^vP"
"""Shapes of the models' points, so that colour alone tells nothing."""


def suite_plot(sets: Sequence[LabelledSet], scores: Scores) -> str:
    """Return the plot as SVG; the same scores always give the same text."""
    return as_svg("suite", lambda: _figure(sets, scores))


def _figure(sets: Sequence[LabelledSet], scores: Scores) -> Figure:
    models = list(next(iter(scores.values())))
    figure = Figure(figsize=(WIDTH, 1.2 + ROW * (len(models) + 1.5) * len(sets)))
    axes = figure.subplots()
    for number, (model, colour, marker) in enumerate(zip(models, cycle(COLOURS), cycle(MARKERS), strict=False)):
        found = [scores[labelled.name][model] for labelled in sets]
        exact = [score.exact for score in found]
        below = [max(0.0, score.exact - score.interval.low) for score in found]
        above = [max(0.0, score.interval.high - score.exact) for score in found]
        places = [row + (number - (len(models) - 1) / 2) * 0.8 / len(models) for row in range(len(sets))]
        axes.errorbar(
            exact, places, xerr=(below, above), fmt=marker, markersize=4, color=colour, elinewidth=1, label=model
        )
    axes.set_yticks(range(len(sets)), [labelled.name for labelled in sets])
    axes.set_ylim(len(sets) - 0.5, -0.5)
    axes.set_xlim(0, 100)
    axes.set_xlabel("F1 of exact spans, with its 95 % bootstrap interval")
    axes.grid(color=INK, alpha=0.2, axis="x")
    for row in range(1, len(sets)):
        axes.axhline(row - 0.5, color=INK, alpha=0.2, linewidth=0.5)
    figure.legend(loc="outside upper left", ncols=3)
    return figure
