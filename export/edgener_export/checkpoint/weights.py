"""Loading of a checkpoint's weights so that every tensor of the model is found in the file, with its shape.

transformers fills what it does not find with random numbers, ignores what it does not know, and goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import logging as hub_logging
from safetensors import SafetensorError
from transformers import PreTrainedModel
from transformers.utils import SAFE_WEIGHTS_NAME, WEIGHTS_NAME, logging

from edgener_export.errors import CheckpointError

# transformers would warn of a new classification head, which is what a recipe asks for; the rest is an error here.
logging.set_verbosity_error()  # type: ignore[no-untyped-call]
# Else it prints each of its attempts to reach the hub before the one line that says what to do.
hub_logging.set_verbosity_error()  # type: ignore[no-untyped-call]

LOAD_ERRORS = (OSError, ValueError, RuntimeError, SafetensorError)
"""The errors that transformers raises for files that are missing, damaged, or do not fit together."""
HEAD = "classifier."
"""Prefixes of the names of a token classifier's own tensors; all others belong to its encoder."""
SHOWN = 3
"""Number of tensors of a kind that an error message names."""


def load_weights(
    model_class: Any, checkpoint: str | Path, config: Any, *, new_head: bool = False, local_files_only: bool = False
) -> PreTrainedModel:
    """Return a model in fp32 with the weights of a checkpoint: a directory, or a name on the hub.

    With ``new_head`` the checkpoint may lack the classification head, which then has random weights, and may have heads
    of its pre-training. Raises CheckpointError if any other tensor is missing, has another shape, or is not used, and
    one of LOAD_ERRORS if the checkpoint cannot be read.
    """
    model, report = model_class.from_pretrained(
        checkpoint,
        config=config,
        dtype=torch.float32,
        attn_implementation="eager",
        local_files_only=local_files_only,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    missing = [name for name in report["missing_keys"] if not (new_head and name.startswith(HEAD))]
    reshaped = [name for name in _names(report["mismatched_keys"]) if not (new_head and name.startswith(HEAD))]
    unused = [name for name in report["unexpected_keys"] if not new_head or _is_of_encoder(name)]
    faults = [
        f"{fault} {_some(sorted(names))}"
        for fault, names in (("missing:", missing), ("of another shape:", reshaped), ("not used:", unused))
        if names
    ]
    if faults:
        raise CheckpointError(
            f"{_weights_file(checkpoint)}: its tensors are not those of the model that config.json describes; "
            f"{'; '.join(faults)}; save the model itself with save_pretrained, not a wrapper around it"
        )
    loaded: PreTrainedModel = model
    return loaded


def _is_of_encoder(name: str) -> bool:
    """Return whether a tensor belongs to an encoder, under whatever prefix; a pooler above it does not."""
    return any(part == "encoder" or part.startswith("embeddings") for part in name.split("."))


def _names(mismatched: Sequence[str | tuple[str, ...]]) -> list[str]:
    """Return the names of tensors with another shape, which some versions of transformers give with both shapes."""
    return [entry if isinstance(entry, str) else entry[0] for entry in mismatched]


def _some(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _weights_file(checkpoint: str | Path) -> Path | str:
    paths = [Path(checkpoint) / name for name in (SAFE_WEIGHTS_NAME, WEIGHTS_NAME)]
    return next((path for path in paths if path.exists()), checkpoint)
