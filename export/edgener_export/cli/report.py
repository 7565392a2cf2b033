"""``edgener-export report``: the pages of a run, rendered again."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgener.command_line import Command
from edgener.standard_streams import write


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="directory of a finished build")


def _report(options: argparse.Namespace) -> None:
    from edgener_export.report.render import render_report

    write(f"{render_report(options.run)}\n")


REPORT = Command(
    name="report",
    summary="render the report of a finished build again",
    description="Write report.html, report.md and their plots from the report.json that a build left.",
    examples="edgener-export report runs/msra-e5-small",
    add_arguments=_add_arguments,
    run=_report,
)
