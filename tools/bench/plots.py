"""Plots of a report as SVG: F1 against speed, F1 against memory, latency by length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from tools.bench.measures import LENGTHS
from tools.bench.results import Entry, Report

OURS, OTHERS = "#1d4ed8", "#78716c"
SIZE = (7.2, 4.4)
STYLE: Any = {
    "svg.hashsalt": "edgener",
    "svg.fonttype": "none",
    "axes.unicode_minus": False,
    "font.size": 10,
    "axes.grid": True,
    "grid.alpha": 0.3,
}


def write_plots(report: Report, directory: Path) -> None:
    """Write ``benchmark-*.svg``; same report, same bytes."""
    matplotlib.use("svg")
    single = [entry for entry in report.entries if entry.threads == 1]
    with matplotlib.rc_context(STYLE):
        _write(directory / "benchmark-speed.svg", lambda axes: _speed(axes, report, single))
        _write(directory / "benchmark-memory.svg", lambda axes: _memory(axes, single))
        _write(directory / "benchmark-latency.svg", lambda axes: _latency(axes, single))


def _write(path: Path, draw: Callable[[Axes], None]) -> None:
    figure, axes = pyplot.subplots(figsize=SIZE, layout="constrained")
    draw(axes)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _speed(axes: Axes, report: Report, entries: list[Entry]) -> None:
    for entry in entries:
        if entry.quality:
            _point(axes, entry, report.comparable_speed(entry), entry.quality.f1)
    axes.set_xscale("log")
    _plain_numbers(axes.xaxis)
    axes.set(xlabel="characters a second on one core", ylabel="F1, exact spans, MSRA test")


def _memory(axes: Axes, entries: list[Entry]) -> None:
    for entry in entries:
        if entry.quality and entry.memory:
            _point(axes, entry, entry.memory.peak_all_mb, entry.quality.f1)
    axes.set_xscale("log")
    _plain_numbers(axes.xaxis)
    axes.set(xlabel="peak memory of the process, MB", ylabel="F1, exact spans, MSRA test")


def _latency(axes: Axes, entries: list[Entry]) -> None:
    for entry in entries:
        if entry.latencies:
            lengths = [latency.characters for latency in entry.latencies]
            medians = [latency.p50_ms for latency in entry.latencies]
            width = 2.0 if entry.is_ours else 1.0
            axes.plot(lengths, medians, marker="o", markersize=3, linewidth=width, label=entry.name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(LENGTHS)
    _plain_numbers(axes.xaxis)
    _plain_numbers(axes.yaxis)
    axes.set(xlabel="characters", ylabel="milliseconds on one core, median")
    axes.legend(fontsize=8)


def _plain_numbers(axis: Axis) -> None:
    """Labels of a logarithmic axis without powers of ten."""
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _point(axes: Axes, entry: Entry, x: float, y: float) -> None:
    colour = OURS if entry.is_ours else OTHERS
    axes.plot([x], [y], marker="o", color=colour)
    axes.annotate(entry.name, (x, y), xytext=(5, 5), textcoords="offset points", color=colour, fontsize=9)
