"""Measure what a new type costs the types that a model knows already, with the old model as teacher and without it.

The sentences are labelled with the new type alone. Each way trains once; F1 is int8 through the runtime.

    python tools/measure_adding.py train.jsonl --test dev.jsonl --old msra-dev.jsonl --sentences 200 --type TITLE
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from edgener import Recognizer
from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import load_bundle
from edgener.table import table
from edgener.tags import Span
from edgener_export.cli.recipe import default_cache
from edgener_export.corpus.formats import jsonl
from edgener_export.corpus.retype import of_types
from edgener_export.corpus.sampling import evenly_spread
from edgener_export.corpus.sentence import Sentence, labels_of
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.evaluation.recognize import recognize_all
from edgener_export.evaluation.score import score_spans
from edgener_export.pipeline.build import Pipeline
from edgener_export.plan.choices import choices_for
from edgener_export.plan.recipe_file import GOLDEN_TEXTS, HELD_OUT, RECIPE, TRAIN, Parts, recipe_lines, recipe_tables
from edgener_export.recipe import read_recipe

PROTECTED, LABELS_ALONE = "the old model teaches", "labels alone"
GATE = ["gate.loss=100", "gate.f1=0", "gate.megabytes=1000"]
"""Measured whatever comes out."""
KNOWN = Sentence("李娜说青山公司在上海。", (Span(0, 2, "PER"), Span(3, 7, "ORG"), Span(9, 11, "LOC")))
"""The sentence that gives a model without protection the old types."""


@dataclass(frozen=True)
class Outcome:
    """The scores of one way."""

    way: str
    new_f1: float
    old_f1: float
    seconds: float
    """Processor time of the whole build, in seconds."""


def directory_of(base: str) -> Path:
    """Return the directory of a bundle; ``small`` is the built-in one."""
    return DEFAULT_BUNDLE if base == "small" else Path(base)


def f1(bundle: Path, sentences: Sequence[Sentence]) -> float:
    """Return the F1 of a bundle, counting only types that the sentences have."""
    pairs = recognize_all(Recognizer.load(bundle, threads=torch.get_num_threads()), sentences, labels_of(sentences))
    return round(score_spans(pairs).f1, 2)


def measure(way: str, options: argparse.Namespace, train: Sequence[Sentence], test: Sequence[Sentence]) -> Outcome:
    """Train in one way and score new and old types, int8 through the runtime."""
    known = load_bundle(directory_of(options.base)).manifest.tag_set.labels
    is_protected = way == PROTECTED
    started = time.process_time()
    with tempfile.TemporaryDirectory(prefix="adding-") as folder:
        directory = Path(folder)
        parts = Parts(
            name="adding",
            base=options.base if options.base == "small" else str(Path(options.base).resolve()),
            data="measured",
            sentences=len(train),
            characters=sum(len(sentence.text) for sentence in train),
            test_entities=1,
            unlabelled_types=known if is_protected else (),
            text=str(options.text.resolve()) if options.text and is_protected else "",
        )
        jsonl.write(train if is_protected else [*train, KNOWN], directory / TRAIN)
        jsonl.write(test, directory / HELD_OUT)
        (directory / GOLDEN_TEXTS).write_text("", encoding="utf-8")
        tables = recipe_tables(parts, choices_for(len(train), is_taught=is_protected))
        (directory / RECIPE).write_text("\n".join(recipe_lines(parts, tables)), encoding="utf-8")
        step = "distil" if is_protected else "finetune"
        settings = [f"{step}.{setting}" for setting in (f"precision={options.precision}", *options.set)]
        recipe = read_recipe(directory / RECIPE, [*GATE, *settings])
        Pipeline(recipe, directory / "run", default_cache(), print).build(directory / "bundle")
        new, old = f1(directory / "bundle", test), f1(directory / "bundle", read_corpus_file(options.old))
    return Outcome(way, new, old, round(time.process_time() - started, 1))


def main() -> None:
    """Measure both ways, and print the scores beside those of the model before."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--test", type=Path, required=True, help="labelled sentences for the new type")
    parser.add_argument("--old", type=Path, required=True, help="labelled sentences for the old types")
    parser.add_argument("--type", required=True, help="the new type; labels of other types are removed")
    parser.add_argument("--sentences", type=int, default=200)
    parser.add_argument("--base", default="small")
    parser.add_argument("--text", type=Path, help="unlabelled texts on which the old model teaches besides")
    parser.add_argument("--precision", default="auto", choices=("auto", "bf16", "fp32"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--ways", nargs="*", default=[PROTECTED, LABELS_ALONE], choices=(PROTECTED, LABELS_ALONE))
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="other settings of the training")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train = evenly_spread(of_types(read_corpus_file(options.train), [options.type]), options.sentences)
    test = of_types(read_corpus_file(options.test), [options.type])
    before = f1(directory_of(options.base), read_corpus_file(options.old))
    outcomes = [measure(way, options, train, test) for way in options.ways]
    rows = [(each.way, f"{each.new_f1:.2f}", f"{each.old_f1:.2f}", f"{each.seconds:.0f}") for each in outcomes]
    head = ("", options.type, "old types", "CPU s")
    print(table([head, ("before", "", f"{before:.2f}", ""), *rows]), end="")


if __name__ == "__main__":
    main()
