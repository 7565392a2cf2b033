"""Write report.html, report.md and the plots from report.json, without any model."""

from __future__ import annotations

from pathlib import Path

from edgener_export.report import read_report
from edgener_export.report_content import plots
from edgener_export.report_html import render_html
from edgener_export.report_markdown import render_markdown
from edgener_export.report_plots import draw

PAGE, TEXT, PLOTS = "report.html", "report.md", "report"


def render_report(run: Path) -> Path:
    """Render what the run in that directory left in report.json; the path of the page. Same record, same bytes.

    Raises ReportError where there is none.
    """
    report = read_report(run)
    drawings = {plot.name: draw(plot.name, report) for plot in plots(report)}
    folder = run / PLOTS
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for name, svg in drawings.items():
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    (run / TEXT).write_text(render_markdown(report, PLOTS), encoding="utf-8")
    page = run / PAGE
    page.write_text(render_html(report, drawings), encoding="utf-8")
    return page
