"""Measure what fewer layers and feed-forward neurons of a bundle cost in F1, and what they bring in speed.

Each shape, layers x neurons, is cut out of the bundle and learns the same text from the built-in model; the bundle's
own shape is the one to compare with. F1 is that of MSRA's test sentences, int8 through the runtime; speeds are measured
in turns, in processor time. A shape that was trained is not trained again.

    python tools/shape_front.py bundles/nano --shapes 3x384 3x192 2x384 2x192 1x384 --output runs/front
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from edgener import Recognizer
from edgener.bundle import load_bundle
from edgener.table import table
from edgener_export.checkpoint.classifier import load_classifier
from edgener_export.cli.recipe import default_cache
from edgener_export.corpus.msra import read_msra
from edgener_export.corpus.sampling import evenly_spread
from edgener_export.pipeline.build import Pipeline
from edgener_export.recipe import read_recipe
from edgener_export.report.speed import Speed, measure_speeds

RECIPES = Path(__file__).resolve().parents[1] / "export" / "recipes"
RECIPE = """
name = "{name}"
golden = "{recipes}/golden.txt"
limits = "Made to compare shapes."

[model]
checkpoint = "{base}"
keep_layers = {layers}
{feed_forward}

[data]
corpus = "msra"

[distil]
teacher = "small"
unlabelled = "{recipes}/unlabelled.txt.xz"
unlabelled_sentences = {unlabelled}
temperature = 2.0
hard_share = 0.3
epochs = {epochs}
tokens_per_batch = 1024
learning_rate = 5e-4
precision = "auto"

[gate]
f1 = 0.0
loss = 100.0
megabytes = 1000.0

[[lineage]]
role = "base weights"
name = "{base}"
license = "Apache-2.0"
note = "cut to {name}"
"""
TIMED_SENTENCES = 400


class Shape(NamedTuple):
    """Layers and neurons that are kept of a model."""

    layers: int
    feed_forward: int
    """Neurons of each feed-forward block."""

    @classmethod
    def of(cls, text: str) -> Shape:
        """Return the shape that is written as LAYERSxNEURONS. Raises ValueError for another text."""
        layers, _, feed_forward = text.partition("x")
        return cls(int(layers), int(feed_forward))

    def __str__(self) -> str:
        return f"{self.layers}x{self.feed_forward}"


def train(shape: Shape, base: Path, width: int, output: Path, unlabelled: int, epochs: int) -> Path:
    """Cut the shape out of a bundle whose blocks have ``width`` neurons, train it and return its own bundle."""
    bundle = output / str(shape) / "bundle"
    if bundle.exists():
        return bundle
    run = bundle.parent / "run"
    run.mkdir(parents=True, exist_ok=True)
    recipe = run / "recipe.toml"
    text = RECIPE.format(
        name=f"shape-{shape}",
        recipes=RECIPES,
        base=base.resolve(),
        layers=list(range(1, shape.layers + 1)),
        feed_forward=f"feed_forward = {shape.feed_forward}" if shape.feed_forward < width else "",
        unlabelled=unlabelled,
        epochs=epochs,
    )
    recipe.write_text(text, encoding="utf-8")
    Pipeline(read_recipe(recipe), run, default_cache(), print).build(bundle)
    return bundle


def rows(names: Sequence[str], f1s: Sequence[float], speeds: Sequence[Speed]) -> Iterator[tuple[str, ...]]:
    """Yield the table; the speeds are multiples of the first one's."""
    yield ("layers x neurons", "F1 of MSRA", "speed in batches", "speed one by one")
    first = speeds[0]
    for name, f1, speed in zip(names, f1s, speeds, strict=True):
        batched = speed.characters_per_second / first.characters_per_second
        yield (name, f"{f1:.2f}", f"{batched:.2f}", f"{first.milliseconds / speed.milliseconds:.2f}")


def main() -> None:
    """Train the shapes that have no bundle yet, and print the table of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path, help="the bundle that the shapes are cut out of")
    parser.add_argument("--shapes", nargs="+", type=Shape.of, required=True, metavar="LAYERSxNEURONS")
    parser.add_argument("--output", type=Path, required=True, help="directory for the trainings and their bundles")
    parser.add_argument("--unlabelled", type=int, default=40_000, help="texts that the teacher alone labels")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model: Any = load_classifier(options.base)
    width = model.config.intermediate_size
    trained = [
        train(shape, options.base, width, options.output, options.unlabelled, options.epochs)
        for shape in options.shapes
    ]
    bundles = [options.base, *trained]
    f1s = [load_bundle(bundle).manifest.quality[-1].f1 for bundle in bundles]
    texts = [sentence.text for sentence in evenly_spread(read_msra(default_cache()).test, TIMED_SENTENCES)]
    speeds = measure_speeds([Recognizer.load(bundle) for bundle in bundles], texts)
    print(table(list(rows([options.base.name, *map(str, options.shapes)], f1s, speeds))), end="")


if __name__ == "__main__":
    main()
