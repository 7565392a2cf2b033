"""``edgener-export``: recipe in, bundle out."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from edgener.cli import CLOSED_PIPE, INTERRUPTED, discard_output
from edgener.errors import EdgenerError, OutputError
from edgener.providers import CPU, PROVIDERS
from edgener_export.cli.data import add_convert, add_data
from edgener_export.cli.models import add_models
from edgener_export.cli.report import add_report
from edgener_export.cli.search import add_search
from edgener_export.corpus.formats import AUTO, READABLE
from edgener_export.files.atomic import writing

EXAMPLES = """\
examples:
  edgener-export build export/recipes/first.toml
  edgener-export build my-recipe.toml --run runs/try --bundle ./my-bundle --set finetune.epochs=1
  edgener-export search my-recipe.toml --run runs/try    which quantization to pack
  edgener-export evaluate                      the built-in bundle on the MSRA test sentences
  edgener-export evaluate ./my-bundle --test my-test.jsonl
  edgener-export report runs/try               report.html once more, from what the build left
  edgener-export models                        which checkpoint to start from
  edgener-export data train.txt --against test.txt
  edgener-export convert train.txt train.jsonl

A killed build goes on where it stopped: type the same command again.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv``; the exit code."""
    parser = argparse.ArgumentParser(
        prog="edgener-export",
        description="Fine-tune, quantize, verify and pack Chinese entity recognizers.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_build(commands)
    add_search(commands, _add_recipe, _log)
    _add_evaluate(commands)
    for add in (add_report, add_models, add_convert, add_data):
        add(commands)
    options = parser.parse_args(argv)
    run: Callable[[argparse.Namespace], None] = options.command
    try:
        run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("edgener-export: interrupted; the same command goes on from the last saved state", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        discard_output()
        return CLOSED_PIPE
    except EdgenerError as error:
        print(f"edgener-export: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if error.filename is None:
            discard_output()
        print(f"edgener-export: {error.filename or 'standard output'}: {error.strerror}", file=sys.stderr)
        return 1 if error.filename else OutputError.exit_code
    return 0


def _add_build(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "build", help="recipe to bundle", description="Build the bundle that a recipe describes."
    )
    _add_recipe(parser)
    parser.add_argument("--bundle", type=Path, help="where to put the bundle; default: bundle/ in the run's directory")
    parser.add_argument(
        "--trained", type=Path, metavar="DIR", help="pack this model, of a training or of a bundle, instead of training"
    )
    parser.set_defaults(command=_build)


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--run", type=Path, help="directory of everything made on the way; default: runs/NAME")
    parser.add_argument("--cache", type=Path, default=_default_cache(), help="downloads; default: %(default)s")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="change the recipe")


def _build(options: argparse.Namespace) -> None:
    from edgener_export.recipe import read_recipe

    recipe = read_recipe(options.recipe, options.set)  # before the heavy imports, so that mistakes are told at once

    from edgener_export.pipeline.build import Pipeline
    from edgener_export.pipeline.run_lock import locked

    run: Path = options.run or Path("runs") / recipe.name
    with writing(run):
        run.mkdir(parents=True, exist_ok=True)
    with locked(run):
        pipeline = Pipeline(recipe, options.recipe.parent, run, options.cache, _log)
        if options.trained:
            pipeline.adopt(options.trained)
        scores = pipeline.build(options.bundle or run / "bundle")
    for measured in scores:
        print(
            f"{measured.graph}  P {measured.precision:.2f}  R {measured.recall:.2f}  F1 {measured.f1:.2f}  "
            f"on {measured.data}, {measured.sentences} sentences"
        )


def _add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "evaluate", help="score a bundle", description="Exact-span scores of a bundle, through the runtime itself."
    )
    parser.add_argument("bundle", nargs="?", default="default", help="a directory; default: the built-in one")
    parser.add_argument("--test", type=Path, help="labelled file; default: the MSRA test sentences")
    parser.add_argument("--from", choices=(AUTO, *READABLE), default=AUTO, dest="source_format", help="default: auto")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: all cores")
    parser.add_argument("--provider", choices=tuple(PROVIDERS), default=CPU, help="what computes; default: %(default)s")
    parser.add_argument("--cache", type=Path, default=_default_cache(), help="downloads; default: %(default)s")
    parser.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    from edgener import Recognizer
    from edgener_export.corpus.msra import read_msra
    from edgener_export.corpus.splits import read_corpus_file
    from edgener_export.evaluate import recognize_all, scores_by_label

    recognizer = Recognizer.load(options.bundle, threads=options.threads, provider=options.provider)
    sentences = read_corpus_file(options.test, options.source_format) if options.test else read_msra(options.cache).test
    print(f"{recognizer.manifest.name} on {options.test or 'the MSRA test set'}, {len(sentences)} sentences")
    for label, score in scores_by_label(recognize_all(recognizer, sentences)).items():
        print(f"{label:<4} {score}")


def _default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgener"


def _log(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
