"""A report as one page that stands alone: plots and style inside, no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from edgener_export.report.content import Code, sections, verdict
from edgener_export.report.plots import INK
from edgener_export.report.record import Report


def render_html(report: Report, drawings: Mapping[str, str]) -> str:
    """The page; ``drawings`` holds the SVG of each plot by name."""
    environment = Environment(
        loader=PackageLoader("edgener_export", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["code"] = lambda cell: isinstance(cell, Code)
    inline = {name: Markup(svg.replace(INK, "currentColor")) for name, svg in drawings.items()}
    return environment.get_template("template.html.jinja").render(
        name=report.name, verdict=verdict(report), sections=sections(report), drawings=inline
    )
