"""Trained token classifiers of ours, as a training left them or as a bundle carries them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForTokenClassification, PreTrainedModel

from edgener.bundle import MANIFEST
from edgener_export.checkpoint.from_bundle import unpack_bundle
from edgener_export.checkpoint.ngram import NgramBertForTokenClassification
from edgener_export.errors import CheckpointError

LOAD_ERRORS = (OSError, ValueError, RuntimeError, SafetensorError)
"""What transformers raises for files that are missing, damaged, or do not fit together."""


def is_classifier(directory: Path) -> bool:
    """Whether a directory holds a bundle, or a token classifier as a training leaves it."""
    if is_bundle(directory):
        return True
    try:
        architectures = json.loads((directory / "config.json").read_bytes()).get("architectures") or [""]
    except (OSError, ValueError, AttributeError):
        return False
    return str(architectures[0]).endswith("ForTokenClassification")


def is_bundle(directory: Path) -> bool:
    """Whether a directory is a packed bundle, and no torch model."""
    return (directory / MANIFEST).exists()


def load_classifier(directory: Path) -> PreTrainedModel:
    """A trained token classifier, from the directory that the training left or from a bundle.

    Raises CheckpointError where there is none, and BundleError for a bundle that is damaged.
    """
    if is_bundle(directory):
        return unpack_bundle(directory)
    config = _read_config(directory)
    try:
        kind = NgramBertForTokenClassification if hasattr(config, "ngrams") else AutoModelForTokenClassification
        model: PreTrainedModel = kind.from_pretrained(
            directory, config=config, dtype=torch.float32, attn_implementation="eager", local_files_only=True
        )
    except LOAD_ERRORS as error:
        raise _no_classifier(directory, error) from error
    return model


def tags_of(model: PreTrainedModel) -> list[str]:
    """Tags of a trained token classifier, in the order of its last axis."""
    return _tags(model.config)


def trained_tags(directory: Path) -> list[str]:
    """Tags of the token classifier that a training left in a directory, whose weights stay where they are.

    Raises CheckpointError where there is none.
    """
    return _tags(_read_config(directory))


def _tags(config: Any) -> list[str]:
    return [config.id2label[number] for number in range(config.num_labels)]


def _read_config(directory: Path) -> Any:
    try:
        return AutoConfig.from_pretrained(directory, local_files_only=True)
    except (OSError, ValueError) as error:
        raise _no_classifier(directory, error) from error


def _no_classifier(directory: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"{directory}: is no directory with a trained token classifier: {error}")
