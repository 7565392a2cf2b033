"""``edgener-export build``: a recipe in, a bundle out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.command_line import Command
from edgener.errors import UsageError
from edgener.standard_streams import log, write
from edgener_export.cli.recipe import GOES_ON, add_recipe, cache_of, is_lost

if TYPE_CHECKING:
    from edgener_export.recipe import Recipe


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_recipe(parser)
    parser.add_argument(
        "--bundle", type=Path, metavar="DIR", help="directory of the bundle; default: bundle in the run's directory"
    )
    parser.add_argument(
        "--trained", type=Path, metavar="DIR", help="pack this trained model or bundle instead of training one"
    )


def _build(options: argparse.Namespace) -> None:
    from edgener_export.recipe import read_recipe

    # Before the heavy imports, so that mistakes are told at once.
    recipe = read_recipe(options.recipe, options.set, needs_models=not options.trained)
    run: Path = options.run or Path("runs") / recipe.name
    bundle: Path = options.bundle or run / "bundle"
    if not options.trained:
        _verify_models_stay(recipe, bundle)

    from edgener_export.pipeline.build import Pipeline
    from edgener_export.pipeline.run_lock import locked

    with locked(run):
        pipeline = Pipeline(recipe, run, cache_of(options), log)
        if options.trained:
            pipeline.adopt(options.trained)
        scores = pipeline.build(bundle)
    for measured in scores:
        write(
            f"{measured.graph}  P {measured.precision:.2f}  R {measured.recall:.2f}  F1 {measured.f1:.2f}  "
            f"on {measured.data}, {measured.sentences} sentences\n"
        )


def _verify_models_stay(recipe: Recipe, bundle: Path) -> None:
    """Raise UsageError where the bundle would replace a model that the recipe starts with or learns from."""
    from edgener_export.recipe.paths import models_of

    for name, model in models_of(recipe):
        if model.exists() and is_lost(model, bundle):
            raise UsageError(
                f"{bundle}: is the model of {name}, which would be replaced; name another directory with --bundle"
            )


BUILD = Command(
    name="build",
    summary="train, quantize, verify and pack the model of a recipe",
    description="""Build the bundle that a recipe describes.
After an interruption, the same command continues where it stopped.""",
    examples="""\
edgener-export build export/recipes/first.toml
edgener-export build my-recipe.toml --run runs/try --bundle ./my-bundle --set finetune.epochs=1""",
    add_arguments=_add_arguments,
    run=_build,
    when_interrupted=GOES_ON,
)
