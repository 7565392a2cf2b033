"""Write report.html, report.md and the plots from report.json, without any model."""

from __future__ import annotations

from pathlib import Path

from edgener_export.files.atomic import write_text
from edgener_export.report.content import plots
from edgener_export.report.html import render_html
from edgener_export.report.markdown import render_markdown
from edgener_export.report.plots import draw
from edgener_export.report.record import read_report

PAGE, TEXT, PLOTS = "report.html", "report.md", "report"


def render_report(run: Path) -> Path:
    """Render what the run in that directory left in report.json; the path of the page. Same record, same bytes.

    Raises ReportError where there is none, OutputError where a file cannot be written.
    """
    report = read_report(run)
    drawings = {plot.name: draw(plot.name, report) for plot in plots(report)}
    folder = run / PLOTS
    for name, svg in drawings.items():
        write_text(folder / f"{name}.svg", svg)
    for old in folder.glob("*.svg"):
        if old.stem not in drawings:
            old.unlink()
    write_text(run / TEXT, render_markdown(report, PLOTS))
    page = run / PAGE
    write_text(page, render_html(report, drawings))
    return page
