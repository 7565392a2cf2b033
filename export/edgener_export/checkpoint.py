"""A BERT-family checkpoint, by directory or hub name, with its tokenizer and a pruned vocabulary."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer, PreTrainedModel
from transformers.utils import logging

from edgener.tags import TagSet
from edgener_export.average import AverageSettings, average_with
from edgener_export.errors import CheckpointError, RecipeError
from edgener_export.ngram import NgramBertForTokenClassification, NgramSettings, with_ngrams
from edgener_export.shrink import keep_heads, keep_layers, narrow_feed_forward
from edgener_export.vocabulary import keep_embedding_rows, prune_vocabulary, write_tokenizer
from edgener_export.widen import widen

# Else it warns of the new classification head, which is what we ask for.
logging.set_verbosity_error()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class ModelSettings:
    """The ``[model]`` table of a recipe."""

    checkpoint: str
    """A directory, or a name on the hub such as ``hfl/rbt3``."""
    average: AverageSettings | None = None
    """Where it is given, the checkpoint's weights are averaged with another model's."""
    layers: int = 0
    """Only this many layers from the bottom; 0 takes all."""
    keep_layers: tuple[int, ...] = ()
    """Only the layers with these numbers, from 1 at the bottom; empty asks ``layers``."""
    heads: int = 0
    """Attention heads of each layer, the strongest; 0 takes all."""
    feed_forward: int = 0
    """Width of the feed-forward blocks, their strongest neurons; 0 takes all."""
    vocabulary: str = "chinese"
    """Which entries stay: ``all``, ``chinese``, ``gb2312``, ``gb2312-1``, or ``text:FILE``, relative to the recipe."""
    packed_vocabulary: str = "all"
    """Which of these stay in the bundle, likewise: what is pruned after the training costs no new one."""
    max_tokens: int = 128
    """Longest row of tokens in training and on the device, special tokens included."""
    widen: int = 1
    """This many times as wide, with the same function at first: see ``widen.widen``."""
    ngrams: NgramSettings | None = None
    """Where it is given, embeddings that know neighbouring characters: see ``ngram``."""


@dataclass(frozen=True)
class Checkpoint:
    """A model that is ready to be trained, and the tokenizer that belongs to it."""

    model: PreTrainedModel
    """Its embedding table has a row for each entry of the tokenizer."""
    tokenizer: Path
    """tokenizer.json"""
    mask_id: int
    """Row of the [MASK] token."""


def load_checkpoint(settings: ModelSettings, tag_set: TagSet, tokenizer: Path) -> Checkpoint:
    """Model with a fresh classification head; its pruned tokenizer.json is written to ``tokenizer``.

    Raises CheckpointError where neither a directory nor the hub has it.
    """
    try:
        config = AutoConfig.from_pretrained(settings.checkpoint)
        config.num_hidden_layers = settings.layers or config.num_hidden_layers
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
        config.id2label = dict(enumerate(tag_set.tags))
        config.label2id = {tag: number for number, tag in enumerate(tag_set.tags)}
        torch.manual_seed(0)
        model = AutoModelForTokenClassification.from_pretrained(
            settings.checkpoint, config=config, dtype=torch.float32, attn_implementation="eager"
        )
        full_tokenizer: dict[str, Any] = json.loads(_fast_tokenizer(settings.checkpoint).to_str())
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{settings.checkpoint}: is no directory with a BERT-family checkpoint, and the hub did not have it or "
            f"could not be reached; on an offline machine give a directory: {' '.join(str(error).split())}"
        ) from error
    if settings.max_tokens > config.max_position_embeddings:
        raise CheckpointError(
            f"{settings.checkpoint}: has {config.max_position_embeddings} positions; "
            f"model.max_tokens is {settings.max_tokens} and must not be more"
        )
    if settings.average:
        average_with(model, settings.average)
    pruned, rows = prune_vocabulary(full_tokenizer, settings.vocabulary)
    keep_embedding_rows(model, rows)
    model = _reshape(model, settings)
    write_tokenizer(pruned, tokenizer)
    return Checkpoint(model, tokenizer, pruned["model"]["vocab"]["[MASK]"])


def load_classifier(directory: Path) -> PreTrainedModel:
    """A trained token classifier of ours, from the directory that the training left.

    Raises CheckpointError where there is none.
    """
    try:
        config = AutoConfig.from_pretrained(directory, local_files_only=True)
        kind = NgramBertForTokenClassification if hasattr(config, "ngrams") else AutoModelForTokenClassification
        model: PreTrainedModel = kind.from_pretrained(
            directory, config=config, dtype=torch.float32, attn_implementation="eager", local_files_only=True
        )
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{directory}: is no directory with a trained token classifier: {error}") from error
    return model


def load_pruned(directory: Path, keep: str, tokenizer: Path) -> PreTrainedModel:
    """A trained token classifier of ours with fewer entries, whose tokenizer.json is written to ``tokenizer``.

    Raises CheckpointError where there is none, and RecipeError where it cannot lose entries any more.
    """
    model = load_classifier(directory)
    pruned, rows = prune_vocabulary(json.loads((directory / "tokenizer.json").read_bytes()), keep)
    if len(rows) < model.config.vocab_size:
        if hasattr(model.config, "ngrams"):
            raise RecipeError(
                f"model.packed_vocabulary {keep!r}: [model.ngrams] knows pairs by the numbers of their entries; "
                "prune before the training, with model.vocabulary"
            )
        keep_embedding_rows(model, rows)
    write_tokenizer(pruned, tokenizer)
    return model


def trained_tags(directory: Path) -> list[str]:
    """Tags of a trained token classifier, in the order of its last axis."""
    config: Any = AutoConfig.from_pretrained(directory, local_files_only=True)
    return [config.id2label[number] for number in range(config.num_labels)]


def _reshape(model: PreTrainedModel, settings: ModelSettings) -> PreTrainedModel:
    if settings.keep_layers:
        keep_layers(model, settings.keep_layers)
    if settings.heads:
        keep_heads(model, settings.heads)
    if settings.feed_forward:
        narrow_feed_forward(model, settings.feed_forward)
    if settings.widen > 1:
        model = widen(model, settings.widen)
    if settings.ngrams:
        model = with_ngrams(model, settings.ngrams)
    return model


def _fast_tokenizer(checkpoint: str) -> Tokenizer:
    own = Path(checkpoint) / "tokenizer.json"
    if own.exists():
        return Tokenizer.from_file(str(own))
    tokenizer: Tokenizer = AutoTokenizer.from_pretrained(checkpoint, use_fast=True).backend_tokenizer  # type: ignore[no-untyped-call]
    return tokenizer
