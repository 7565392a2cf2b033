"""Measure what `edgener-export train` makes of labelled sets with types of their own, beside random weights.

The directory holds pairs of labelled files, NAME_train.jsonl and NAME_dev.jsonl; the second is never learned. Each
model goes the whole way to int8 and is scored through the runtime. A model that has its line in the results is not made
again.

    python tools/own_type_scores.py labelled-sets --only resume cluener weibo --results scores.jsonl
    python tools/own_type_scores.py labelled-sets --only msra --sizes 50 200 1000 5000 --results scores.jsonl
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from edgener.bundle import TOKENIZER, load_bundle
from edgener.dataclass_json import from_plain
from edgener.table import table
from edgener_export.checkpoint.classifier import load_classifier
from edgener_export.cli.recipe import default_cache
from edgener_export.corpus.retype import of_types
from edgener_export.corpus.sampling import evenly_spread
from edgener_export.corpus.sentence import Sentence, labels_of
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.files.atomic import append_line
from edgener_export.pipeline.build import Pipeline
from edgener_export.plan.base import Base, find_base
from edgener_export.plan.preparation import Request, fitting_rules, plan_types, rules_left_out, write_files
from edgener_export.plan.split import Split, in_learning_order
from edgener_export.recipe import read_recipe

RANDOM = "random"
NO_GATE = ("gate.f1=0", "gate.loss=100", "gate.megabytes=1000")


@dataclass(frozen=True)
class Result:
    """A line of the results."""

    data: str
    sentences: int
    base: str
    """The name of the base model, with ``random`` before it where only its shape was taken."""
    f1: float
    """F1 of the int8 graph through the runtime, in percent."""
    minutes: float
    """Wall clock of the whole command, in minutes."""
    cpu_minutes: float
    """Processor time of the whole command, in minutes."""
    cores: int


def random_checkpoint(base: Base, directory: Path) -> tuple[Base, list[str]]:
    """Write a checkpoint of the base's shape with random weights; return it, and the settings that a bundle has."""
    assert base.directory is not None
    model: Any = load_classifier(base.directory)
    torch.manual_seed(0)
    fresh = type(model)(model.config)
    fresh.save_pretrained(directory)
    bundle = load_bundle(base.directory)
    shutil.copyfile(bundle.path(TOKENIZER), directory / TOKENIZER)
    settings = [
        'model.vocabulary="all"',
        f"model.max_tokens={bundle.manifest.max_tokens}",
        f"model.aliases={json.dumps(bundle.manifest.aliases)}",
    ]
    return Base(str(directory), directory, span_rules=base.span_rules, megabytes=base.megabytes), settings


def measure(
    data: str,
    train: Sequence[Sentence],
    dev: Sequence[Sentence],
    base_name: str,
    is_random: bool,
    settings: Sequence[str],
) -> Result:
    """Make a model and score it."""
    started, cpu_started = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory(prefix="own-types-") as folder:
        directory = Path(folder)
        base, of_bundle = find_base(base_name), list[str]()
        split = Split(in_learning_order(train), of_types(dev, labels_of(train)))  # small parts lack rare types
        conflicts = rules_left_out(base, split)
        if is_random:
            base, of_bundle = random_checkpoint(base, directory / "checkpoint")
            of_bundle.append(f"model.span_rules={json.dumps(fitting_rules(base, conflicts))}")
        run = directory / "run"
        run.mkdir()
        request = Request("measured", base, (Path(data),), overrides=(*NO_GATE, *of_bundle, *settings))
        recipe = read_recipe(write_files(request, plan_types(request, train), split, run, conflicts))
        scores = Pipeline(recipe, run, default_cache(), print).build(directory / "bundle")
    return Result(
        data,
        len(train),
        f"{RANDOM} {base_name}" if is_random else base_name,
        scores[-1].f1,
        round((time.monotonic() - started) / 60, 1),
        round((time.process_time() - cpu_started) / 60, 1),
        torch.get_num_threads(),
    )


def read_results(path: Path) -> list[Result]:
    """Return the results of earlier calls."""
    if not path.exists():
        return []
    return [from_plain(Result, json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def rows(results: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    """Yield the table of all results, by set and size."""
    yield ("data", "sentences", "base", "F1 int8", "minutes", "CPU minutes", "cores")
    for each in sorted(results, key=lambda result: (result.data, result.sentences, result.base)):
        figures = (f"{each.f1:.2f}", f"{each.minutes:.1f}", f"{each.cpu_minutes:.1f}", str(each.cores))
        yield (each.data, str(each.sentences), each.base, *figures)


def main() -> None:
    """Make the models that have no result yet, and print the table of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="names of sets; default: all of the directory")
    parser.add_argument("--sizes", nargs="*", type=int, default=[0], help="training sentences; 0 takes all")
    parser.add_argument("--bases", nargs="*", default=["small"])
    parser.add_argument("--no-random", action="store_true", help="leave out the models with random weights")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--set", nargs="*", default=[], metavar="TABLE.KEY=VALUE")
    parser.add_argument("--table", action="store_true", help="print the table of the results, make nothing")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = sorted(path.name.removesuffix("_train.jsonl") for path in options.sets.glob("*_train.jsonl"))
    for name in [] if options.table else options.only or found:
        everything, dev = (read_corpus_file(options.sets / f"{name}_{part}.jsonl") for part in ("train", "dev"))
        for size in options.sizes:
            train = evenly_spread(everything, size or len(everything))
            for base in options.bases:
                for is_random in (False,) if options.no_random else (False, True):
                    key = (name, len(train), f"{RANDOM} {base}" if is_random else base)
                    if key in {(each.data, each.sentences, each.base) for each in read_results(options.results)}:
                        continue
                    result = measure(name, train, dev, base, is_random, options.set)
                    append_line(options.results, json.dumps(asdict(result)))
    print(table(list(rows(read_results(options.results)))), end="")


if __name__ == "__main__":
    main()
