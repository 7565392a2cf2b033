"""The plots of a report, as SVG that reads on light and on dark paper."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edgener_export.report.record import GraphFigures, Report

INK = "#808080"
"""The colour of text and axes; the page puts its own colour there."""
COLOURS = ("#3d85c6", "#e69138", "#8e7cc3", "#6aa84f", "#cc4125")
"""fp32, int8, teacher; and stages of the training."""
WIDTH = 6.4
"""Inches."""
BAR = 0.22
"""Inches for each matrix product."""
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.family": "sans-serif",
    "font.size": 9,
    "legend.frameon": False,
    "savefig.transparent": True,
}
NAMED_GROUP = re.compile(r'<g id="[^"]*">')
"""Nothing refers to these, and several plots on one page would share the names."""
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def draw(name: str, report: Report) -> str:
    """One of ``PLOTS`` as SVG; the same report always gives the same text."""
    return as_svg(name, lambda: PLOTS[name](report))


def as_svg(name: str, drawn: Callable[[], Figure]) -> str:
    """Return the figure that ``drawn`` makes as SVG; the same figure of the same name always gives the same text."""
    with mpl.rc_context({**SETTINGS, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # text stays text: the reader has the font
        figure = drawn()
        figure.set_layout_engine("constrained")
        output = io.StringIO()
        figure.savefig(output, format="svg", metadata=NO_METADATA)
    svg = output.getvalue()
    return NAMED_GROUP.sub("<g>", svg[svg.index("<svg") :])


def _f1_against_size(report: Report) -> Figure:
    return _scatter(report, "size of the bundle", "MB", lambda graph: graph.bytes / 1e6)


def _f1_against_latency(report: Report) -> Figure:
    return _scatter(report, "one sentence", "ms", lambda graph: graph.milliseconds)


def _scatter(report: Report, label: str, unit: str, cost: Callable[[GraphFigures], float]) -> Figure:
    graphs = report.graphs
    figure, axes = _one(3.2)
    for graph, colour in zip(graphs, COLOURS, strict=False):
        name = f"{graph.name}: F1 {graph.f1:.2f}, {cost(graph):.3g} {unit}"
        axes.scatter(cost(graph), graph.f1, color=colour, s=50, label=name)
    axes.set_xlim(0, 1.15 * max(map(cost, graphs)))
    lowest, highest = min(graph.f1 for graph in graphs), max(graph.f1 for graph in graphs)
    margin = max(0.5, highest - lowest)
    axes.set_ylim(lowest - margin, highest + margin)
    axes.set_xlabel(f"{label}, {unit}")
    axes.set_ylabel("F1")
    axes.grid(color=INK, alpha=0.2)
    figure.legend(loc="outside upper left")
    return figure


def _f1_by_type(report: Report) -> Figure:
    labels = list(report.fp32.by_type)
    figure, axes = _one(0.8 + 0.5 * len(labels))
    for number, graph in enumerate((report.fp32, report.int8)):
        heights = [graph.by_type[label].f1 for label in labels]
        places = [row + 0.4 * number - 0.2 for row in range(len(labels))]
        bars = axes.barh(places, heights, 0.38, color=COLOURS[number], label=graph.name)
        axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlim(0, 110)
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel("F1")
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def _training(report: Report) -> Figure:
    figure = Figure(figsize=(WIDTH, 4.8))
    losses, scores = figure.subplots(2, 1, sharex=True)
    for stage, colour in zip(report.training, cycle(COLOURS), strict=False):
        loss = [(point.step, point.loss) for point in stage.points if point.loss is not None]
        score = [(point.step, point.dev_f1) for point in stage.points if point.dev_f1 is not None]
        losses.plot(*_columns(loss), color=colour, marker=".", label=stage.name)
        scores.plot(*_columns(score), color=colour, marker=".")
    losses.set_ylabel("loss")
    scores.set_ylabel("F1, development")
    scores.set_xlabel("step")
    scores.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    for axes in (losses, scores):
        axes.grid(color=INK, alpha=0.2)
    figure.legend(loc="outside upper left", ncols=3)
    return figure


def _learning_curve(report: Report) -> Figure:
    figure, axes = _one(3.2)
    points = [(point.sentences, point.f1) for point in report.learning_curve]
    axes.plot(*_columns(points), color=COLOURS[0], marker="o")
    for sentences, f1 in points:
        axes.annotate(f"{f1:.1f}", (sentences, f1), textcoords="offset points", xytext=(0, 6), ha="center")
    axes.set_xlim(0, 1.1 * points[-1][0])
    axes.margins(y=0.2)
    axes.set_xlabel("training sentences")
    axes.set_ylabel("F1")
    axes.grid(color=INK, alpha=0.2)
    return figure


def _product_errors(report: Report) -> Figure:
    errors = report.product_errors
    figure, axes = _one(0.8 + BAR * len(errors))
    bars = axes.barh(range(len(errors)), [100 * error.relative_error for error in errors], height=0.7, color=COLOURS[1])
    axes.bar_label(bars, [f"{error.decibels:.0f} dB" for error in errors], padding=3, fontsize=7)
    axes.set_yticks(range(len(errors)), [short_name(error.name) for error in errors], fontsize=7)
    axes.set_ylim(len(errors) - 0.5, -0.5)
    axes.margins(x=0.15)
    axes.set_xlabel("relative error of the output, %")
    return figure


def short_name(name: str) -> str:
    """The name of a graph's node without what nearly all begin and end with; ``quantize.exclude`` takes it too."""
    return name.rpartition("/encoder/")[2].removeprefix("/").removesuffix("/MatMul")


PLOTS: dict[str, Callable[[Report], Figure]] = {
    "f1-size": _f1_against_size,
    "f1-latency": _f1_against_latency,
    "f1-types": _f1_by_type,
    "product-errors": _product_errors,
    "learning-curve": _learning_curve,
    "training": _training,
}


def _one(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height))
    return figure, figure.subplots()


def _columns(points: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [step for step, _ in points], [value if math.isfinite(value) else math.nan for _, value in points]
