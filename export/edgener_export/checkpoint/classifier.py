"""Trained token classifiers, as a training left them in a directory or as a bundle carries them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForTokenClassification, PreTrainedModel

from edgener.bundle import MANIFEST, TOKENIZER
from edgener_export.checkpoint.from_bundle import unpack_bundle
from edgener_export.checkpoint.ngram import NgramBertForTokenClassification
from edgener_export.checkpoint.weights import LOAD_ERRORS, load_weights
from edgener_export.errors import CheckpointError

SUPPORTED = ("bert", "electra")
"""The model types, by the name that a config.json gives them, that can be trained, exported and quantized."""


def is_classifier(config: Any) -> bool:
    """Return whether a configuration is that of a token classifier as a training leaves it."""
    architectures = config.architectures or [""]
    return str(architectures[0]).endswith("ForTokenClassification")


def is_bundle(directory: Path) -> bool:
    """Return whether a directory is a packed bundle rather than a torch model."""
    return (directory / MANIFEST).exists()


def load_classifier(directory: Path) -> PreTrainedModel:
    """Return a trained token classifier, from the directory that the training left or from a bundle.

    Raises CheckpointError if there is none, if its architecture is not supported, or if its weights are not those of
    the model that its config.json describes, and BundleError for a bundle that is damaged.
    """
    if is_bundle(directory):
        return unpack_bundle(directory)
    config = _read_config(directory)
    try:
        return load_with_head(directory, config, local_files_only=True)
    except LOAD_ERRORS as error:
        raise _no_classifier(directory, error) from error


def load_with_head(checkpoint: str | Path, config: Any, *, local_files_only: bool = False) -> PreTrainedModel:
    """Return the token classifier of a directory or of a name on the hub, whose configuration is known.

    Raises what ``load_weights`` raises.
    """
    model_class = NgramBertForTokenClassification if hasattr(config, "ngrams") else AutoModelForTokenClassification
    return load_weights(model_class, checkpoint, config, local_files_only=local_files_only)


def tags_of(model: PreTrainedModel) -> list[str]:
    """Return the tags of a trained token classifier, in the order of its last axis."""
    return _tags(model.config)


def trained_tags(directory: Path) -> list[str]:
    """Return the tags of the token classifier that a training left in a directory, without loading its weights.

    Raises CheckpointError if there is none, or if its architecture is not supported.
    """
    return _tags(_read_config(directory))


def tokenizer_file(directory: Path) -> Path:
    """Return the path of a trained model's tokenizer.json. Raises CheckpointError if there is none."""
    path = directory / TOKENIZER
    if not path.exists():
        raise CheckpointError(f"{path}: does not exist; copy it from the model that this one was trained from")
    return path


def verify_architecture(config: Any, checkpoint: str | Path) -> None:
    """Raise CheckpointError for a model that the exporter cannot turn into a bundle."""
    if config.model_type not in SUPPORTED:
        raise CheckpointError(
            f"{checkpoint}: is a {config.model_type} model; supported are {' and '.join(SUPPORTED)}; "
            "`edgener-export models` lists checkpoints"
        )


def _tags(config: Any) -> list[str]:
    return [config.id2label[number] for number in range(config.num_labels)]


def _read_config(directory: Path) -> Any:
    try:
        config = AutoConfig.from_pretrained(directory, local_files_only=True)
    except (OSError, ValueError) as error:
        raise _no_classifier(directory, error) from error
    verify_architecture(config, directory)
    return config


def _no_classifier(directory: Path, error: Exception) -> CheckpointError:
    reason = " ".join(str(error).split())
    return CheckpointError(f"{directory}: is not a directory with a trained token classifier: {reason}")
