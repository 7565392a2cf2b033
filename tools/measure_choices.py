"""Measure the settings that `edgener-export train` chooses: trainings of several sizes, one setting changed at a time.

The directory holds pairs of labelled files, NAME_train.jsonl and NAME_dev.jsonl. Each trial trains on some of the
first and scores the second in fp32; it becomes a line of the results, and a trial that has its line is not repeated.

    python tools/measure_choices.py labelled-sets --sizes 50 200 --results choices.jsonl
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import torch

from edgener.dataclass_json import from_plain
from edgener.table import table
from edgener_export.cli.recipe import default_cache
from edgener_export.corpus.formats import jsonl
from edgener_export.corpus.retype import of_types
from edgener_export.corpus.sampling import evenly_spread
from edgener_export.corpus.sentence import Sentence, labels_of
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.files.atomic import append_line
from edgener_export.pipeline.build import Pipeline
from edgener_export.plan.choices import Choices, choices_for
from edgener_export.plan.one_command import last_f1
from edgener_export.plan.recipe_file import GOLDEN_TEXTS, HELD_OUT, RECIPE, TRAIN, Parts, recipe_lines, recipe_tables
from edgener_export.recipe import read_recipe

FACTORS = {"learning_rate": (2.0, 0.4), "epochs": (0.5, 2), "tokens_per_batch": (2,)}
"""The factors by which each setting of the present choice is multiplied, one at a time."""
FROZEN = (1,)
"""Numbers of frozen layers that are tried."""
DEV_SENTENCES = 300


class Trial(NamedTuple):
    """One training."""

    data: str
    base: str
    sentences: int
    choices: Choices


@dataclass(frozen=True)
class Result:
    """A line of the results."""

    data: str
    base: str
    sentences: int
    choices: Choices
    f1: float
    """F1 on the development sentences, in percent."""
    seconds: float
    """Processor time of the training, in seconds."""

    @property
    def trial(self) -> Trial:
        """The trial that gave it."""
        return Trial(self.data, self.base, self.sentences, self.choices)


def variants(base: Choices) -> Iterator[Choices]:
    """Yield the present choice and each that differs from it in one setting."""
    yield base
    for name, factors in FACTORS.items():
        for factor in factors:
            value = getattr(base, name) * factor
            yield replace(base, **{name: max(1, round(value)) if isinstance(getattr(base, name), int) else value})
    for layers in FROZEN:
        yield replace(base, frozen_layers=layers)


def measure(trial: Trial, train: Sequence[Sentence], dev: Sequence[Sentence], precision: str) -> Result:
    """Train once and score."""
    with tempfile.TemporaryDirectory(prefix="choices-") as folder:
        directory = Path(folder)
        jsonl.write(train, directory / TRAIN)
        jsonl.write(of_types(dev, labels_of(train)), directory / HELD_OUT)
        (directory / GOLDEN_TEXTS).write_text("", encoding="utf-8")
        parts = Parts(
            name="trial",
            base=trial.base,
            data=trial.data,
            sentences=len(train),
            characters=sum(len(sentence.text) for sentence in train),
            test_entities=1,
        )
        recipe_file = directory / RECIPE
        lines = recipe_lines(parts, recipe_tables(parts, trial.choices))
        recipe_file.write_text("\n".join(lines), encoding="utf-8")
        recipe = read_recipe(recipe_file, [f"finetune.precision={precision}"])
        started = time.process_time()
        run = directory / "run"
        Pipeline(recipe, run, default_cache(), lambda _line: None).train()
        seconds = time.process_time() - started
        return Result(*trial, f1=last_f1(run), seconds=round(seconds, 1))


def read_results(path: Path) -> list[Result]:
    """Return the results of earlier calls."""
    if not path.exists():
        return []
    return [from_plain(Result, json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def rows(results: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    """Yield the table: for each size and choice the F1 on each set, the mean, and the seconds."""
    names = sorted({result.data for result in results})
    yield ("base", "sentences", "passes", "batch", "rate", "frozen", *names, "mean", "CPU s")
    found: dict[tuple[str, int, Choices], dict[str, Result]] = {}
    for result in results:
        found.setdefault((result.base, result.sentences, result.choices), {})[result.data] = result
    order = sorted(found, key=lambda key: (key[0], key[1], -len(found[key]), -mean(r.f1 for r in found[key].values())))
    for base, sentences, choices in order:
        by_set = found[base, sentences, choices]
        scores = (f"{by_set[name].f1:.2f}" if name in by_set else "" for name in names)
        yield (
            base,
            str(sentences),
            str(choices.epochs),
            str(choices.tokens_per_batch),
            f"{choices.learning_rate:g}",
            str(choices.frozen_layers),
            *scores,
            f"{mean(result.f1 for result in by_set.values()):.2f}",
            f"{mean(result.seconds for result in by_set.values()):.0f}",
        )


def main() -> None:
    """Run the trials that have no result yet, and print the table of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="names of sets; default: all of the directory")
    parser.add_argument("--sizes", nargs="*", type=int, default=[50, 200, 1000])
    parser.add_argument("--base", default="small")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="fp32", choices=("auto", "bf16", "fp32"))
    parser.add_argument("--table", action="store_true", help="print the table of the results, train nothing")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    done = {result.trial for result in read_results(options.results)}
    found = sorted(path.name.removesuffix("_train.jsonl") for path in options.sets.glob("*_train.jsonl"))
    names = options.only or found
    for size, name in itertools.product([] if options.table else options.sizes, names):
        train = evenly_spread(read_corpus_file(options.sets / f"{name}_train.jsonl"), size)
        dev = read_corpus_file(options.sets / f"{name}_dev.jsonl")
        for choices in variants(choices_for(size)):
            trial = Trial(name, options.base, len(train), choices)
            if trial not in done:
                result = measure(trial, train, evenly_spread(dev, DEV_SENTENCES), options.precision)
                append_line(options.results, json.dumps(asdict(result)))
                print(json.dumps(asdict(result)), flush=True)
    print(table(list(rows(read_results(options.results)))), end="")


if __name__ == "__main__":
    main()
