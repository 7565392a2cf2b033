"""``edgener-export search``: which quantization of a trained model to pack."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from edgener.command_line import Command
from edgener.standard_streams import log, write
from edgener_export.cli.recipe import GOES_ON, add_recipe, cache_of


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_recipe(parser)
    parser.add_argument(
        "--vocabulary",
        action="append",
        default=[],
        metavar="RULE",
        help="also try a vocabulary pruned by this rule: gb2312, gb2312-1 or text:FILE; may be repeated; "
        "default: the vocabulary as trained, and gb2312",
    )
    parser.add_argument("--first", action="store_true", help="stop at the first that passes, from small to large")


def _search(options: argparse.Namespace) -> None:
    from edgener.table import table
    from edgener_export.errors import GateError
    from edgener_export.recipe import read_recipe

    # Before the heavy imports, so that mistakes are told at once.
    recipe = read_recipe(options.recipe, options.set, needs_models=False)

    from edgener_export.pipeline.run_lock import locked
    from edgener_export.pipeline.search import HEAD, Search, cells, overrides, recommended

    run: Path = options.run or Path("runs") / recipe.name
    search = Search(recipe, options.recipe, run, cache_of(options), options.vocabulary, log)
    with locked(run):
        findings = search.run(stop_at_first=options.first)
    write(f"fp32: F1 {findings.fp32_f1:.2f} on the development sentences\n")
    write(table([HEAD, *(cells(trial, recipe.gate) for trial in findings.trials)]))
    best = recommended(findings.trials, recipe.gate)
    if not best:
        raise GateError(
            f"{run / 'search.json'}: none of {len(findings.trials)} passes the gate; train longer or lower it"
        )
    settings = [word for override in [*options.set, *overrides(best.candidate)] for word in ("--set", override)]
    trained = ["--trained", str(search.source)] if search.source else []
    command = shlex.join(["edgener-export", "build", str(options.recipe), "--run", str(run), *trained, *settings])
    write(f"the smallest that passes:\n{command}\n")


SEARCH = Command(
    name="search",
    summary="try quantizations and name the smallest that passes the gate",
    description="""Try quantizations of a trained model on development sentences, and name the smallest that passes.
The run must have been trained with build. After an interruption, the same command continues where it stopped.""",
    examples="""\
edgener-export search export/recipes/first.toml
edgener-export search my-recipe.toml --run runs/try --vocabulary gb2312 --vocabulary text:news.txt --first""",
    add_arguments=_add_arguments,
    run=_search,
    when_interrupted=GOES_ON,
)
