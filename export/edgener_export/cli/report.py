"""``edgener-export report``: the pages of a run, once more."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgener_export.cli.data import Commands


def add_report(commands: Commands) -> None:
    """Add the command ``report``."""
    parser = commands.add_parser(
        "report",
        help="the report of a finished build, rendered again",
        description="Write report.html, report.md and their plots from the report.json that a build left.",
        allow_abbrev=False,
    )
    parser.add_argument("run", type=Path, metavar="RUN_DIRECTORY")
    parser.set_defaults(command=_report)


def _report(options: argparse.Namespace) -> None:
    from edgener_export.report.render import render_report

    print(render_report(options.run))
