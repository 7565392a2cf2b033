"""The settings of a training, chosen by the number of its sentences and of the entities that it is tested on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

FLIPPED = 0.02
"""The share of the test entities that quantization makes right or wrong by chance."""
QUANTIZATION_LOSS = 0.5
"""The points of F1 that quantization may cost in truth."""

LEAST_F1 = 5.0
"""The F1 below which a model has learned nothing."""

TEXTS = 4
"""Unlabelled texts for each sentence and epoch; docs/your-own-types.md has what fewer of them cost the old types."""
MOST_TEXTS = 20_000
"""The most unlabelled texts on which a base model teaches."""

LARGE_MEGABYTES = 20.0
"""The size of a base model above which it is large."""
LARGE_FACTOR = 0.4
"""The learning rate of a large base model as a ratio to that of a small one."""
SHALLOW_LAYERS = 6
"""The most layers with which a large base model learns many sentences at the rate of a small one."""


@dataclass(frozen=True)
class Choices:
    """The settings of a training that depend on the size of its data."""

    epochs: int
    """Passes over the training sentences."""
    tokens_per_batch: int
    """The most tokens in a batch."""
    learning_rate: float
    """The peak of the learning rate."""
    frozen_layers: int = 0
    """Layers from the bottom that stay as they are, with the embeddings."""
    swap_probability: float = 0.0
    """The share of the names that are replaced by others of their type in each pass."""


@dataclass(frozen=True)
class _Size:
    """The choices for up to this many sentences."""

    sentences: float
    choices: Choices
    known_rate: float
    """The highest learning rate where the base model knows all types; with more it unlearns more than it learns."""
    taught_rate: float = math.inf
    """The highest learning rate where the base model teaches the types that it knows beside new ones."""
    shallow_factor: float = LARGE_FACTOR
    """The learning rate of a large base model with at most SHALLOW_LAYERS as a ratio to that of a small one."""

    def factor(self, megabytes: float, layers: int) -> float:
        """Return the learning rate of a base model as a ratio to that of a small one."""
        if megabytes <= LARGE_MEGABYTES:
            return 1.0
        return self.shallow_factor if layers <= SHALLOW_LAYERS else LARGE_FACTOR


BY_SIZE = (
    _Size(100, Choices(epochs=30, tokens_per_batch=256, learning_rate=1e-3), known_rate=1e-4, taught_rate=5e-4),
    _Size(500, Choices(epochs=20, tokens_per_batch=512, learning_rate=5e-4), known_rate=1e-4, taught_rate=3e-4),
    _Size(2_500, Choices(epochs=10, tokens_per_batch=512, learning_rate=5e-4), known_rate=2e-4),
    _Size(
        25_000,
        Choices(epochs=6, tokens_per_batch=1024, learning_rate=5e-4, swap_probability=0.15),
        known_rate=2e-4,
        shallow_factor=1.0,
    ),
    _Size(
        math.inf,
        Choices(epochs=3, tokens_per_batch=2048, learning_rate=5e-4, swap_probability=0.15),
        known_rate=2e-4,
        shallow_factor=1.0,
    ),
)
"""The choices from small to large; tools/measure_choices.py measures them, and docs/your-own-types.md says how far."""


def choices_for(
    sentences: int, megabytes: float = 0.0, layers: int = 1, *, is_known: bool = False, is_taught: bool = False
) -> Choices:
    """Return the settings for a training on this many sentences.

    ``megabytes`` and ``layers`` are the size of the base model; ``is_known`` says that it knows all types that the
    sentences label, and ``is_taught`` that it teaches others, for which it would have to read swapped sentences anew in
    each pass, and which are unlearned at a high rate.
    """
    size = next(size for size in BY_SIZE if sentences <= size.sentences)
    rate = size.choices.learning_rate * size.factor(megabytes, layers)
    highest = size.known_rate if is_known else size.taught_rate if is_taught else math.inf
    return replace(
        size.choices,
        learning_rate=min(rate, highest),
        swap_probability=0.0 if is_taught else size.choices.swap_probability,
    )


def texts_for(sentences: int, epochs: int) -> int:
    """Return how many unlabelled texts a base model teaches on besides: several a sentence, others in each epoch."""
    return min(MOST_TEXTS, TEXTS * sentences * epochs)


def tolerated_loss(entities: int) -> float:
    """Return the points of F1 that int8 may lose against fp32 on test sentences with this many entities, at least one.

    It is what quantization may cost in truth, and twice the standard deviation of what it costs by chance.
    """
    deviation = 100 * math.sqrt(FLIPPED * entities) / entities
    return round(QUANTIZATION_LOSS + 2 * deviation, 2)
