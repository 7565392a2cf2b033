"""``edgener-export evaluate``: exact-span scores of a bundle."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from edgener.command_line import Command
from edgener.options import add_provider
from edgener.output import write
from edgener_export.cli.data import add_reading, read_files
from edgener_export.cli.recipe import add_cache


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    help_text = "directory of a bundle; default: the built-in one"
    parser.add_argument("bundle", nargs="?", default="default", metavar="BUNDLE", help=help_text)
    parser.add_argument("--test", type=Path, metavar="FILE", help="labelled file; default: the MSRA test sentences")
    add_reading(parser)
    parser.add_argument("--threads", type=int, metavar="N", help="processor cores to compute on; default: all")
    add_provider(parser)
    add_cache(parser)


def _evaluate(options: argparse.Namespace) -> None:
    from edgener import Recognizer
    from edgener_export.corpus.msra import read_msra
    from edgener_export.evaluate import recognize_all, scores_by_label

    threads = len(os.sched_getaffinity(0)) if options.threads is None else options.threads
    recognizer = Recognizer.load(options.bundle, threads=threads, provider=options.provider)
    sentences = read_files(options, options.test).sentences if options.test else read_msra(options.cache).test
    write(f"{recognizer.manifest.name} on {options.test or 'the MSRA test set'}, {len(sentences)} sentences\n")
    for label, score in scores_by_label(recognize_all(recognizer, sentences)).items():
        write(f"{label:<4} {score}\n")


EVALUATE = Command(
    name="evaluate",
    summary="score a bundle on labelled sentences",
    description="Print precision, recall and F1 of exact spans of a bundle, computed by the runtime itself.",
    examples="""\
edgener-export evaluate                      the built-in bundle on the MSRA test sentences
edgener-export evaluate ./my-bundle --test my-test.jsonl""",
    add_arguments=_add_arguments,
    run=_evaluate,
)
