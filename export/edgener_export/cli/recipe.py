"""Arguments of the commands that work on a recipe, and on files that are downloaded once."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgener.user_directories import cache_home

GOES_ON = "interrupted; the same command continues from the last saved state"


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """Add the recipe, and what belongs to a run of it."""
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="recipe, a TOML file")
    parser.add_argument(
        "--run", type=Path, metavar="DIR", help="directory of intermediate results; default: runs/NAME of the recipe"
    )
    add_cache(parser)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="TABLE.KEY=VALUE",
        help="use another value than the recipe's; may be repeated",
    )


def add_cache(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--cache``."""
    help_text = "directory of downloads; default: edgener in XDG_CACHE_HOME or ~/.cache"
    parser.add_argument("--cache", type=Path, metavar="DIR", help=help_text)


def is_lost(model: Path, bundle: Path) -> bool:
    """Return whether a model lies where a bundle is going to be written, which replaces all that is there."""
    return model.resolve().is_relative_to(bundle.resolve())


def default_cache() -> Path:
    """Return the directory of downloads where nobody names another; raise UsageError for a user without a home."""
    return cache_home() / "edgener"


def cache_of(options: argparse.Namespace) -> Path:
    """Return the directory of downloads that the options name."""
    cache: Path | None = options.cache
    return cache or default_cache()
