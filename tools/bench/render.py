"""Tables of a report into documents, between the markers that name them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from edgener.dataclass_json import from_plain, to_plain
from tools.bench.plots import write_plots
from tools.bench.results import Report
from tools.bench.tables import tables

SECTION = re.compile(r"(<!-- bench:(?P<name>\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)


def render(report: Report, documents: list[Path], plots: Path | None) -> None:
    """Rewrite the sections of the documents, and the plots in a directory, if one is given."""
    sections = tables(report)
    for document in documents:
        document.write_text(with_sections(document.read_text(encoding="utf-8"), sections), encoding="utf-8")
    if plots:
        write_plots(report, plots)


def with_sections(text: str, sections: dict[str, str]) -> str:
    """The text with what stands between ``<!-- bench:NAME -->`` and ``<!-- /bench -->`` replaced.

    Raises KeyError where a document names a section that there is not.
    """
    return SECTION.sub(lambda match: f"{match[1]}{sections[match['name']]}\n{match[3]}", text)


def write_report(report: Report, path: Path) -> None:
    """Write the report as JSON."""
    path.write_text(json.dumps(to_plain(report), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_report(path: Path) -> Report:
    """Inverse of ``write_report``; raises RecordError."""
    return from_plain(Report, json.loads(path.read_bytes()))
