"""Scores over a directory of labelled sets as tables, for terminals and for Markdown pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from edgener.table import table
from edgener_export.evaluation.suite import LabelledSet, SetScore

Scores = Mapping[str, Mapping[str, SetScore]]
"""The scores of each model on each set, by the names of set and model."""
Row = tuple[str, ...]


def text_tables(sets: Sequence[LabelledSet], scores: Scores) -> str:
    """Return the table of F1 and, where sentences have categories, the table of categories, in columns of text."""
    return "\n".join(table(rows) for rows in (_f1_rows(sets, scores), _category_rows(sets, scores)) if len(rows) > 1)


def markdown_tables(sets: Sequence[LabelledSet], scores: Scores) -> str:
    """Return the same tables as Markdown."""
    tables = (_f1_rows(sets, scores), _category_rows(sets, scores))
    return "\n".join(_markdown(rows) for rows in tables if len(rows) > 1)


def _f1_rows(sets: Sequence[LabelledSet], scores: Scores) -> list[Row]:
    names = _names(scores)
    rows: list[Row] = [("exact F1 (overlap)", "sentences", "entities", *names)]
    for labelled in sets:
        by_model = scores[labelled.name]
        first = by_model[names[0]]
        cells = (f"{score.exact:.1f} ({score.overlap:.1f})" for score in by_model.values())
        rows.append((labelled.name, str(first.sentences), str(first.spans), *cells))
    means = (fmean(by_model[name].exact for by_model in scores.values()) for name in names)
    rows.append(("mean", "", "", *(f"{mean:.1f}" for mean in means)))
    return rows


def _category_rows(sets: Sequence[LabelledSet], scores: Scores) -> list[Row]:
    rows: list[Row] = [("sentences with all entities, %", *_names(scores))]
    for labelled in sets:
        for category in labelled.categories:
            shares = (f"{score.by_category[category]:.1f}" for score in scores[labelled.name].values())
            rows.append((f"{labelled.name}: {category}", *shares))
    return rows


def _names(scores: Scores) -> list[str]:
    return list(next(iter(scores.values())))


def _markdown(rows: Sequence[Row]) -> str:
    head, *body = rows
    lines = [head, ("---", *("---:" for _ in head[1:])), *body]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
