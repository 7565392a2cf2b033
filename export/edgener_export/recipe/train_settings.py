"""What a recipe says of every kind of training."""

from __future__ import annotations

from dataclasses import dataclass

from edgener_export.errors import RecipeError

PRECISIONS = ("bf16", "fp32")


@dataclass(frozen=True)
class TrainSettings:
    """What every kind of training knows."""

    epochs: int = 4
    """Passes over the training sentences."""
    tokens_per_batch: int = 2048
    """Most tokens of a batch, padding included."""
    accumulate: int = 1
    """Batches whose gradients one optimizer step takes the mean of."""
    learning_rate: float = 2e-4
    """Peak of the schedule: linear warm-up, then linear decay to zero."""
    layer_decay: float = 1.0
    """Each layer's rate is this times that of the layer above it, down to the embeddings."""
    warmup: float = 0.06
    """Share of all steps that the warm-up takes."""
    weight_decay: float = 0.01
    """AdamW's decoupled decay (Loshchilov and Hutter, 2019), not applied to biases and normalization."""
    max_gradient_norm: float = 1.0
    """Gradients are scaled down to this Euclidean norm."""
    frozen_layers: int = 0
    """The embeddings and this many layers from the bottom stay as they are; 0 trains everything."""
    precision: str = "bf16"
    """``bf16`` (mixed, weights stay fp32) or ``fp32``."""
    dev_every: int = 250
    """Steps between two scores on development sentences."""
    dev_sentences: int = 600
    """Development sentences of such a score; the last one takes all."""
    patience: int = 0
    """After so many such scores without a better one the training ends with the best weights; 0: with the last ones."""
    average_last: float = 0.0
    """Share of the steps, at the end, over which weights are averaged; 0 takes the last ones."""
    save_minutes: float = 4.0
    """Minutes between two saved states."""
    seed: int = 1
    """Decides everything that is drawn: the order of the batches, the hidden tokens."""

    def verify(self) -> None:
        """Raises RecipeError where a value makes no sense, or two of them together."""
        for name in ("epochs", "tokens_per_batch", "accumulate", "dev_every", "dev_sentences"):
            if getattr(self, name) < 1:
                raise RecipeError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.precision not in PRECISIONS:
            raise RecipeError(f"precision {self.precision!r} is unknown; known: {', '.join(PRECISIONS)}")
        if not 0 < self.layer_decay <= 1:
            raise RecipeError(f"layer_decay is {self.layer_decay}; it must be above 0 and at most 1")
        if not 0 <= self.average_last <= 1:
            raise RecipeError(f"average_last is {self.average_last}; it must be between 0 and 1")
        if self.patience and self.average_last:
            raise RecipeError("patience keeps the best weights, average_last a mean of the last ones; choose one")
