"""``edgener-export settings``: every key that a recipe may have."""

from __future__ import annotations

import argparse

from edgener.command_line import Command
from edgener.standard_streams import write


def _add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Add nothing: the command has no arguments."""


def _settings(_options: argparse.Namespace) -> None:
    from edgener_export.recipe.reference import reference

    write(reference())


SETTINGS = Command(
    name="settings",
    summary="list every key that a recipe may have",
    description="Print every key of a recipe with its type, default, unit, allowed values and meaning, as Markdown.",
    examples="""\
edgener-export settings | less
edgener-export settings > docs/recipe.md""",
    add_arguments=_add_arguments,
    run=_settings,
)
