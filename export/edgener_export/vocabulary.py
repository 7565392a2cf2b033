"""Vocabulary pruning: the rows of the embedding table that Chinese text can never, or hardly ever, reach.

A character that loses its entry becomes [UNK]; a Latin word or a number that loses its entry falls apart into shorter
pieces, so nothing of it is lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from edgener_export.errors import CheckpointError, RecipeError
from edgener_export.writing import draft_of

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LONGEST_ASCII_PIECE = 2


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff" or character >= "\U00020000"


def _is_full_width(character: str) -> bool:
    return "\uff01" <= character <= "\uff5e"


def _is_chinese_text_piece(entry: str) -> bool:
    """Every single character that the tokenizer can produce, and pairs of ASCII letters and digits."""
    continues = entry.startswith("##") and len(entry) > 2
    piece = entry[2:] if continues else entry
    if len(piece) == 1:
        return not _is_full_width(piece) and not (continues and (_is_han(piece) or not piece.isalnum()))
    return piece.isascii() and piece.isalnum() and len(piece) <= LONGEST_ASCII_PIECE


KEEP: dict[str, Callable[[str], bool]] = {"all": lambda _: True, "chinese": _is_chinese_text_piece}
"""Which entries stay, by the name that a recipe uses."""


def prune_vocabulary(tokenizer: dict[str, Any], keep: str) -> tuple[dict[str, Any], list[int]]:
    """A parsed tokenizer.json without the other entries, and the old row of each entry that stays."""
    if keep not in KEEP:
        raise RecipeError(f"vocabulary {keep!r} is unknown; known: {', '.join(KEEP)}")
    if tokenizer["model"].get("type") != "WordPiece":
        raise CheckpointError("only WordPiece vocabularies (BERT and its family) can be pruned")
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
    kept = {entry: row for entry, row in vocabulary.items() if entry in SPECIAL or KEEP[keep](entry)}
    rows = sorted(kept.values())
    new_row = {row: position for position, row in enumerate(rows)}
    pruned = json.loads(json.dumps(tokenizer))
    pruned["model"]["vocab"] = dict(sorted(((e, new_row[row]) for e, row in kept.items()), key=lambda item: item[1]))
    pruned["added_tokens"] = [
        {**token, "id": new_row[token["id"]]} for token in tokenizer["added_tokens"] if token["id"] in new_row
    ]
    pruned["post_processor"] = None
    return pruned, rows


def keep_embedding_rows(model: PreTrainedModel, rows: list[int]) -> None:
    """Shrink the model's embedding table to ``rows``, in that order."""
    embeddings: torch.nn.Embedding = model.get_input_embeddings()  # type: ignore[assignment]
    kept = embeddings.weight.detach()[torch.tensor(rows)]
    smaller = torch.nn.Embedding(len(rows), kept.shape[1], padding_idx=0)
    smaller.weight = torch.nn.Parameter(kept)
    model.set_input_embeddings(smaller)
    model.config.vocab_size = len(rows)


def write_tokenizer(tokenizer: dict[str, Any], path: Path) -> None:
    """tokenizer.json without white space: it is read at every start on the device."""
    with draft_of(path) as draft:
        draft.write_text(json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
