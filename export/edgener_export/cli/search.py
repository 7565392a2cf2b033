"""``edgener-export search``: which quantization of a trained model to pack."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path

from edgener_export.cli.data import Commands

EXAMPLES = """\
examples:
  edgener-export search export/recipes/first.toml
  edgener-export search my-recipe.toml --run runs/try --vocabulary gb2312 --vocabulary text:news.txt --first

The run must have been trained with build. A killed search goes on where it stopped: type the same command again.
"""


def add_search(
    commands: Commands, add_recipe: Callable[[argparse.ArgumentParser], None], log: Callable[[str], None]
) -> None:
    """Add the command ``search``; ``add_recipe`` adds the arguments that it shares with ``build``."""
    parser = commands.add_parser(
        "search",
        help="which quantization to pack",
        description="Try quantizations of a trained model on development sentences; name the smallest that passes.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_recipe(parser)
    parser.add_argument(
        "--vocabulary",
        action="append",
        default=[],
        metavar="RULE",
        help="also with the vocabulary pruned so: gb2312, gb2312-1, text:FILE; default: as trained, and gb2312",
    )
    parser.add_argument("--first", action="store_true", help="stop at the first that passes, from small to large")
    parser.set_defaults(command=lambda options: _search(options, log))


def _search(options: argparse.Namespace, log: Callable[[str], None]) -> None:
    from edgener.table import table
    from edgener_export.errors import GateError
    from edgener_export.recipe import read_recipe

    recipe = read_recipe(options.recipe, options.set)  # before the heavy imports, so that mistakes are told at once

    from edgener_export.pipeline.run_lock import locked
    from edgener_export.pipeline.search import HEAD, Search, cells, overrides, recommended

    run: Path = options.run or Path("runs") / recipe.name
    search = Search(recipe, options.recipe, run, options.cache, options.vocabulary, log)
    with locked(run):
        findings = search.run(stop_at_first=options.first)
    print(f"fp32: F1 {findings.fp32_f1:.2f} on the development sentences")
    print(table([HEAD, *(cells(trial, recipe.gate) for trial in findings.trials)]), end="")
    best = recommended(findings.trials, recipe.gate)
    if not best:
        raise GateError(
            f"{run / 'search.json'}: none of {len(findings.trials)} passes the gate; train longer or lower it"
        )
    settings = [word for override in [*options.set, *overrides(best.candidate)] for word in ("--set", override)]
    print("the smallest that passes:")
    print(shlex.join(["edgener-export", "build", str(options.recipe), "--run", str(run), *settings]))
