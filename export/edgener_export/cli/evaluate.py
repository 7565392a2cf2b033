"""``edgener-export evaluate``: exact-span scores of bundles, on one labelled file or on a directory of them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.command_line import Command, add_json
from edgener.dataclass_json import to_plain
from edgener.errors import UsageError
from edgener.options import add_provider
from edgener.standard_streams import log, write
from edgener_export.cli.data import add_reading, read_files
from edgener_export.cli.recipe import add_cache
from edgener_export.cli.threads import add_threads, threads_of

if TYPE_CHECKING:
    from edgener import Recognizer


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    help_text = "directories of bundles; default: the built-in one"
    parser.add_argument("bundles", nargs="*", default=["default"], metavar="BUNDLE", help=help_text)
    parser.add_argument("--test", type=Path, metavar="FILE", help="labelled file; default: the MSRA test sentences")
    add_reading(parser)
    help_text = "directory of labelled sets (*.jsonl); prints a table of F1 for each set and bundle"
    parser.add_argument("--suite", type=Path, metavar="DIR", help=help_text)
    add_json(parser, "with --suite: print JSON that also has intervals, types and categories")
    add_threads(parser)
    add_provider(parser)
    add_cache(parser)


def _evaluate(options: argparse.Namespace) -> None:
    from edgener import Recognizer

    if options.suite and options.test:
        raise UsageError("give either --test or --suite, not both")
    if options.json and not options.suite:
        raise UsageError("--json needs --suite")
    threads = threads_of(options.threads)
    recognizers = [Recognizer.load(bundle, threads=threads, provider=options.provider) for bundle in options.bundles]
    if options.suite:
        _score_suite(recognizers, options.suite, options.json)
    else:
        for recognizer in recognizers:
            _score_file(recognizer, options)


def _score_file(recognizer: Recognizer, options: argparse.Namespace) -> None:
    from edgener_export.corpus.msra import read_msra
    from edgener_export.evaluation.recognize import recognize_all, scores_by_label

    sentences = read_files(options, options.test).sentences if options.test else read_msra(options.cache).test
    write(f"{recognizer.manifest.name} on {options.test or 'the MSRA test set'}, {len(sentences)} sentences\n")
    labels = {span.label for sentence in sentences for span in sentence.spans}
    others = [label for label in recognizer.manifest.tag_set.labels if label not in labels]
    if others:
        log(f"not scored, as no sentence has them: {', '.join(others)}")
    for label, score in scores_by_label(recognize_all(recognizer, sentences, labels)).items():
        write(f"{label:<4} {score}\n")


def _score_suite(recognizers: Sequence[Recognizer], directory: Path, as_json: bool) -> None:
    from edgener_export.evaluation.recognize import recognize_all
    from edgener_export.evaluation.suite import read_suite, score_set
    from edgener_export.evaluation.suite_table import text_tables

    sets = read_suite(directory)
    scores = {
        labelled.name: {
            recognizer.manifest.name: score_set(
                labelled, [found for _, found in recognize_all(recognizer, labelled.sentences)]
            )
            for recognizer in recognizers
        }
        for labelled in sets
    }
    write(f"{json.dumps(to_plain(scores), ensure_ascii=False, indent=1)}\n" if as_json else text_tables(sets, scores))


EVALUATE = Command(
    name="evaluate",
    summary="score bundles on labelled sentences",
    description=(
        "Print precision, recall and F1 of exact spans of bundles, computed by the runtime itself; or, over a "
        "directory of labelled sets, a table of F1. Types that a set does not have are not scored on it."
    ),
    examples="""\
edgener-export evaluate                      the built-in bundle on the MSRA test sentences
edgener-export evaluate ./my-bundle --test my-test.jsonl
edgener-export evaluate default ./my-bundle --suite ./labelled-sets""",
    add_arguments=_add_arguments,
    run=_evaluate,
)
