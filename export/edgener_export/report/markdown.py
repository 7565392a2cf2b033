"""A report as Markdown, with its plots as files next to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from edgener_export.report.content import Code, MarkedText, Section, Table, sections
from edgener_export.report.record import Report

SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&])")


def render_markdown(report: Report, plots: str) -> str:
    """The text; ``plots`` is the directory of the plots, as seen from it."""
    lines = [f"# {escape(report.name)}", ""]
    for section in sections(report):
        lines.extend(_section(section, plots))
    return "\n".join(lines)


def escape(text: str) -> str:
    """Plain text in one line of Markdown, also in a table's cell."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _section(section: Section, plots: str) -> Iterator[str]:
    yield from (f"## {escape(section.title)}", "")
    for paragraph in section.text:
        yield from (escape(paragraph), "")
    for table in section.tables:
        yield from (*_table(table), "")
    for plot in section.plots:
        yield from (f"![{escape(plot.caption)}]({plots}/{plot.name}.svg)", "")
    for number, readings in enumerate(section.examples, 1):
        yield from (f"{number}.", "", *map(_reading, readings), "")
    if section.code:
        yield from ("```toml", *section.code.splitlines(), "```", "")


def _table(table: Table) -> Iterator[str]:
    yield _row(table.header)
    yield "|" + "---|" * len(table.header)
    yield from map(_row, table.rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(f'`{cell}`' if isinstance(cell, Code) else escape(cell) for cell in cells)} |"


def _reading(reading: MarkedText) -> str:
    """A line of an indented block, in which nothing is special."""
    marked = "".join(f"[{piece.text}/{piece.label}]" if piece.label else piece.text for piece in reading.pieces)
    return f"       {marked}    ({reading.by})"
