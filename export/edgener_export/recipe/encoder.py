"""The encoder of a recipe's model, for training, teachers, calibration and counts: it shows what the device shows."""

from __future__ import annotations

from pathlib import Path

from edgener.tokenizer import Encoder
from edgener_export.recipe.settings import ModelSettings


def encoder_of(model: ModelSettings, tokenizer: Path) -> Encoder:
    """Return the encoder that the bundle of this model will have, given the path of a tokenizer.json.

    Raises TokenizerError if the file is not a tokenizer of BERT's kind.
    """
    return Encoder(tokenizer, model.aliases)
