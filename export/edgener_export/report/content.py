"""The content of the report, in reading order; how it looks is up to the renderers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from edgener.lone_surrogates import STAND_INS
from edgener_export.report.learning_curve import advice
from edgener_export.report.record import ConfusionRow, Fp16Figures, GraphFigures, Mark, ProductError, Report

WORST = 10
"""Matrix products in the table of the worst ones."""
NO_VALUE = "–"
VISIBLE = STAND_INS | {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
VISIBLE |= dict.fromkeys((*range(0x80, 0xA0), 0x2028, 0x2029), 0x2424)
"""Characters that break lines or cannot be written, as pictures of the same length."""


class Code(str):
    """A name that somebody will copy."""

    __slots__ = ()


@dataclass(frozen=True)
class Table:
    """Rows under a header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Plot:
    """A drawing of ``report_plots``."""

    name: str
    caption: str


@dataclass(frozen=True)
class Piece:
    """A run of text that is one entity, or none."""

    text: str
    label: str
    """Empty outside of entities."""


@dataclass(frozen=True)
class MarkedText:
    """One reading of a sentence."""

    by: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Section:
    """A heading and what follows, in the order of the fields."""

    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()
    examples: tuple[tuple[MarkedText, ...], ...] = ()
    """Readings of a sentence, sentence by sentence."""
    code: str = ""


def sections(report: Report) -> tuple[Section, ...]:
    """The whole report."""
    return (
        _summary(report),
        _tradeoff(report),
        *((_for_gpus(report.fp32, report.fp16),) if report.fp16 else ()),
        _by_type(report),
        _confusion(report.confusion),
        _changes(report),
        _product_errors(report),
        *((_learning_curve(report),) if report.learning_curve else ()),
        *((_kept(report),) if report.kept else ()),
        _training(report),
        _origin(report),
    )


def plots(report: Report) -> Iterator[Plot]:
    """Yield the plots of all sections."""
    for section in sections(report):
        yield from section.plots


def verdict(report: Report) -> str:
    """The report in one sentence."""
    failures = [check.failure for check in report.gate if check.failure]
    if failures:
        return f"Not packed: {'; '.join(failures)}."
    return (
        f"The gate is passed: {report.int8.bytes / 1e6:.1f} MB instead of {report.fp32.bytes / 1e6:.1f} MB, "
        f"{_ratio(report.int8, report.fp32)} times as fast, F1 {report.int8.f1:.2f} instead of {report.fp32.f1:.2f}."
    )


def pieces(text: str, marks: Sequence[Mark]) -> tuple[Piece, ...]:
    """A text cut at its entities, with every character visible."""
    text = text.translate(VISIBLE)
    labels = {(mark.start, mark.end): mark.label for mark in marks}
    bounds = sorted({0, len(text), *(end for mark in marks for end in (mark.start, mark.end))})
    return tuple(Piece(text[start:end], labels.get((start, end), "")) for start, end in pairwise(bounds))


def _summary(report: Report) -> Section:
    graphs = report.graphs
    labels = list(report.fp32.by_type)
    header = ("", *(graph.name for graph in graphs))
    rows = [
        ("precision", *(f"{graph.precision:.2f}" for graph in graphs)),
        ("recall", *(f"{graph.recall:.2f}" for graph in graphs)),
        ("F1", *(f"{graph.f1:.2f}" for graph in graphs)),
        *((f"F1 {label}", *(_type_f1(graph, label) for graph in graphs)) for label in labels),
        ("size", *(f"{graph.bytes / 1e6:.1f} MB" for graph in graphs)),
        ("speed against fp32", *(f"{_ratio(graph, report.fp32)} x" for graph in graphs)),
        ("characters a second", *(f"{graph.characters_per_second:,.0f}" for graph in graphs)),
        ("one sentence, median", *(f"{graph.milliseconds:.1f} ms" for graph in graphs)),
        (
            "multiply-accumulates a token",
            *(f"{report.products / 1e6:.2f} M" for _ in (report.fp32, report.int8)),
            *(NO_VALUE for _ in graphs[2:]),
        ),
        ("of these in integers", "0.00 M", f"{report.integer_products / 1e6:.2f} M", *(NO_VALUE for _ in graphs[2:])),
    ]
    gate = [(check.name, check.measured, check.wanted, "no" if check.failure else "yes") for check in report.gate]
    return Section(
        "Summary",
        (
            verdict(report),
            f"Exact-span scores in percent on {report.data}, {report.sentences} sentences. Speeds: in "
            f"processor time of one thread, on some of these sentences{_on(report.processor)}; trust the ratio first. "
            "Multiply-accumulates are those with weights, without attention's own.",
        ),
        (Table(header, tuple(rows)), Table(("gate", "measured", "wanted", "met"), tuple(gate))),
    )


def _tradeoff(report: Report) -> Section:
    text = "Up and to the left is better." + ("" if report.teacher else " No teacher's score to compare with.")
    both = (
        Plot("f1-size", "F1 against the size of the bundle"),
        Plot("f1-latency", "F1 against the time for one sentence"),
    )
    return Section("What was gained, and what it cost", (text,), plots=both)


def _for_gpus(fp32: GraphFigures, fp16: Fp16Figures) -> Section:
    rows = (
        ("precision", f"{fp32.precision:.2f}", f"{fp16.precision:.2f}"),
        ("recall", f"{fp32.recall:.2f}", f"{fp16.recall:.2f}"),
        ("F1", f"{fp32.f1:.2f}", f"{fp16.f1:.2f}"),
        ("largest difference of a logit", NO_VALUE, f"{fp16.largest_difference:.1e}"),
        ("on top of the int8 bundle", NO_VALUE, f"{fp16.bytes / 1e6:.1f} MB"),
    )
    text = "Measured on a CPU that rounds after every step as float16 does. No GPU took part, so there is no speed."
    return Section("The fp16 graph for GPUs", (text,), (Table(("", "fp32", "fp16"), rows),))


def _by_type(report: Report) -> Section:
    rows = [
        (label, str(score.expected), graph.name, f"{score.precision:.2f}", f"{score.recall:.2f}", f"{score.f1:.2f}")
        for label in report.fp32.by_type
        for graph in (report.fp32, report.int8)
        for score in (graph.by_type[label],)
    ]
    header = ("type", "entities", "graph", "precision", "recall", "F1")
    return Section("Types", (), (Table(header, tuple(rows)),), (Plot("f1-types", "F1 of each type, fp32 and int8"),))


def _confusion(rows: Sequence[ConfusionRow]) -> Section:
    labels = list(rows[0].found)
    header = ("expected", *(f"found as {label}" for label in labels), "with other ends", "not found", "sum")
    table = tuple(
        (
            row.expected or "nothing",
            *(str(row.found[label]) for label in labels),
            *((str(row.other_ends), str(row.missed)) if row.expected else (NO_VALUE, NO_VALUE)),
            str(sum(row.found.values()) + row.other_ends + row.missed),
        )
        for row in rows
    )
    return Section(
        "What int8 takes for what",
        (
            "Each expected entity counts once. With other ends: something of whatever type overlaps it. "
            "The last row: what was found where nothing is.",
        ),
        (Table(header, table),),
    )


def _changes(report: Report) -> Section:
    changes = report.changes
    text = (
        f"Sentences that fp32 has right and int8 has wrong: {changes.lost}; the other way round: {changes.won}; "
        f"of {report.sentences}."
    )
    if changes.lost > len(changes.examples):
        text += f" The first {len(changes.examples)} of the lost ones:"
    examples = tuple(
        (
            MarkedText("fp32, as labelled", pieces(example.text, example.expected)),
            MarkedText("int8", pieces(example.text, example.found)),
        )
        for example in changes.examples
    )
    return Section("Sentences lost by quantization", (text,), examples=examples)


def _product_errors(report: Report) -> Section:
    if not report.product_errors:
        return Section("Quantization error", ("No matrix product was quantized.",))
    worst = sorted(report.product_errors, key=lambda error: -error.relative_error)[:WORST]
    return Section(
        "Quantization error",
        (
            "Error of the output of each matrix product, relative to the output, on calibration sentences. Each takes "
            "the input that it has in fp32, so errors of earlier layers are not in it. A name of this table, put into "
            "quantize.exclude, keeps that product in fp32, for so many bytes more:",
        ),
        (Table(("matrix product", "error", "signal to noise", "in fp32"), tuple(map(_error_row, worst))),),
        (Plot("product-errors", "Relative error of every quantized matrix product"),),
    )


def _error_row(error: ProductError) -> tuple[str, ...]:
    return (
        Code(error.name),
        f"{100 * error.relative_error:.2f} %",
        f"{error.decibels:.1f} dB",
        f"+{error.fp32_bytes / 1e6:.2f} MB",
    )


def _learning_curve(report: Report) -> Section:
    points = report.learning_curve
    entities = sum(score.expected for score in report.int8.by_type.values())
    rows = tuple((str(point.sentences), f"{point.f1:.2f}") for point in points)
    return Section(
        "Would more labels help?",
        (
            advice(points, entities),
            "Scores of the torch models on all held-out sentences, each trained with the settings that its number of "
            "sentences asks for; the parts lie within each other.",
        ),
        (Table(("training sentences", "F1"), rows),),
        (Plot("learning-curve", "F1 against the number of training sentences"),) if len(points) > 1 else (),
    )


def _kept(report: Report) -> Section:
    rows = tuple(
        (label, str(score.expected), f"{score.precision:.2f}", f"{score.recall:.2f}", f"{score.f1:.2f}")
        for label, score in report.kept.items()
    )
    return Section(
        "What the model knew before",
        (
            "Entities of types that nobody labelled, on the held-out sentences; what the model found that the training "
            "began with counts as right. Places that overlap a label are left out.",
        ),
        (Table(("type", "found before", "precision", "recall", "F1"), rows),),
    )


def _training(report: Report) -> Section:
    if not report.training:
        return Section("Training", ("No stage has left a curve.",))
    rows = []
    for stage in report.training:
        scored = [point for point in stage.points if point.dev_f1 is not None]
        last = f"{scored[-1].dev_f1:.2f}" if scored else NO_VALUE
        best = f"{max(point.dev_f1 or 0.0 for point in scored):.2f}" if scored else NO_VALUE
        rows.append((Code(stage.name), str(stage.points[-1].step), last, best))
    header = ("stage", "last recorded step", "F1 there", "best F1")
    return Section(
        "Training",
        ("Scores of the torch model on some of the development sentences, as they were recorded while training.",),
        (Table(header, tuple(rows)),),
        (Plot("training", "Loss and development F1, step by step"),),
    )


def _origin(report: Report) -> Section:
    lineage = tuple((source.role, source.name, source.license, source.note) for source in report.lineage)
    return Section(
        "How to make it again",
        ("The recipe with all defaults and overrides. Paths are relative to where it was.",),
        (
            Table(("made from", "name", "license", "how"), lineage),
            Table(("library", "version"), tuple(report.versions.items())),
        ),
        code=report.recipe,
    )


def _type_f1(graph: GraphFigures, label: str) -> str:
    return f"{graph.by_type[label].f1:.2f}" if graph.by_type else NO_VALUE


def _ratio(graph: GraphFigures, to: GraphFigures) -> str:
    return f"{graph.characters_per_second / to.characters_per_second:.2f}" if to.characters_per_second else NO_VALUE


def _on(processor: str) -> str:
    return f", on {processor}" if processor else ""
