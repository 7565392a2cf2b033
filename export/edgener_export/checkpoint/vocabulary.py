"""Vocabulary pruning: the rows of the embedding table that Chinese text can never, or hardly ever, reach.

A character that loses its entry becomes [UNK]; a Latin word or a number that loses its entry falls apart into shorter
pieces, so nothing of it is lost. GB2312-80 has 3,755 Chinese characters at level 1, by sound, and 3,008 rarer ones at
level 2, by radical; its first rows hold symbols and other scripts.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from edgener.aliases import Aliases
from edgener_export.corpus.text_file import read_lines
from edgener_export.errors import CheckpointError, CorpusError, RecipeError
from edgener_export.files.atomic import write_text
from edgener_export.recipe.encoder import encoder_of
from edgener_export.recipe.settings import TEXT_RULE, ModelSettings

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LONGEST_ASCII_PIECE = 2
GB2312_ROW_0 = 0xA0
GB2312_LAST_ROWS = (55, 87)
"""The last row of level 1 and the last row of level 2."""
ALWAYS_KEPT = "PSN"
"""First letters of the Unicode categories of punctuation, symbols and numerals: 〇 is not in GB2312."""


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff" or character >= "\U00020000"


def _is_full_width(character: str) -> bool:
    return "\uff01" <= character <= "\uff5e"


def _is_chinese_text_piece(entry: str) -> bool:
    """Tell whether an entry is a character that the tokenizer can produce, or a pair of ASCII letters and digits."""
    continues = entry.startswith("##") and len(entry) > 2
    piece = entry[2:] if continues else entry
    if len(piece) == 1:
        return not _is_full_width(piece) and not (continues and (_is_han(piece) or not piece.isalnum()))
    return piece.isascii() and piece.isalnum() and len(piece) <= LONGEST_ASCII_PIECE


def _is_of_gb2312(last_row: int) -> Callable[[str], bool]:
    """Return a test for the characters of the first rows of GB2312, which have 94 characters each."""

    def is_of_rows(character: str) -> bool:
        code = character.encode("gb2312", errors="ignore")
        return len(code) == 2 and code[0] - GB2312_ROW_0 <= last_row

    return is_of_rows


def _is_piece_with(is_kept: Callable[[str], bool]) -> Callable[[str], bool]:
    """Return a test for pieces of Chinese text; ``is_kept`` decides about characters that are not ``ALWAYS_KEPT``."""

    def is_piece(entry: str) -> bool:
        character = entry.removeprefix("##")
        return _is_chinese_text_piece(entry) and (
            character.isascii() or unicodedata.category(character)[0] in ALWAYS_KEPT or is_kept(character)
        )

    return is_piece


KEEP: dict[str, Callable[[str], bool]] = {
    "all": lambda _: True,
    "chinese": _is_chinese_text_piece,
    "gb2312": _is_piece_with(_is_of_gb2312(GB2312_LAST_ROWS[1])),
    "gb2312-1": _is_piece_with(_is_of_gb2312(GB2312_LAST_ROWS[0])),
}
"""Rules which entries stay, by the names that a recipe uses; a recipe may also name a file: see ``TEXT_RULE``."""


def prune_vocabulary(
    tokenizer: dict[str, Any], keep: str, aliases: Collection[str] = ()
) -> tuple[dict[str, Any], list[int]]:
    """Return a parsed tokenizer.json without the entries that the rule drops, and the old row of each that stays.

    A rule that names a text keeps its characters as a model with these ``aliases`` sees them. Raises CheckpointError
    for a vocabulary of another kind than BERT's, and RecipeError for an unknown rule.
    """
    if tokenizer["model"].get("type") != "WordPiece":
        raise CheckpointError("only WordPiece vocabularies (BERT and its family) can be pruned")
    is_kept = _rule(keep, tokenizer, aliases)
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
    kept = {entry: row for entry, row in vocabulary.items() if entry in SPECIAL or is_kept(entry)}
    rows = sorted(kept.values())
    new_row = {row: position for position, row in enumerate(rows)}
    pruned = json.loads(json.dumps(tokenizer))
    pruned["model"]["vocab"] = dict(sorted(((e, new_row[row]) for e, row in kept.items()), key=lambda item: item[1]))
    pruned["added_tokens"] = [
        {**token, "id": new_row[token["id"]]} for token in tokenizer["added_tokens"] if token["id"] in new_row
    ]
    pruned["post_processor"] = None
    return pruned, rows


def _rule(keep: str, tokenizer: dict[str, Any], aliases: Collection[str]) -> Callable[[str], bool]:
    if keep.startswith(TEXT_RULE):
        return _is_piece_with(_characters(Path(keep.removeprefix(TEXT_RULE)), tokenizer, aliases).__contains__)
    if keep not in KEEP:
        raise RecipeError(f"vocabulary {keep!r} is unknown; known: {', '.join(KEEP)}, {TEXT_RULE}FILE")
    return KEEP[keep]


def _characters(path: Path, tokenizer: dict[str, Any], aliases: Collection[str]) -> set[str]:
    """Return the characters of a text as the model sees them; raise CorpusError if there are none."""
    normalizer = Tokenizer.from_str(json.dumps(tokenizer)).normalizer
    text = "\n".join(read_lines(path)).translate(Aliases(aliases, tokenizer["model"]["vocab"].__contains__))
    characters = set(normalizer.normalize_str(text) if normalizer else text) - set(" \n")
    if not characters:
        raise CorpusError(f"{path}: holds no character; the vocabulary would be empty")
    return characters


def unknown_share(model: ModelSettings, tokenizer: Path, texts: Sequence[str]) -> float:
    """Return the percentage of the texts' characters that the model sees as [UNK]; white space does not count."""
    unknown_id = json.loads(tokenizer.read_bytes())["model"]["vocab"]["[UNK]"]
    unknown = characters = 0
    for encoding in encoder_of(model, tokenizer)(texts):
        lengths = encoding.offsets[:, 1] - encoding.offsets[:, 0]
        unknown += int(lengths[encoding.ids == unknown_id].sum())
        characters += int(lengths.sum())
    return 100 * unknown / max(1, characters)


def keep_embedding_rows(model: PreTrainedModel, rows: list[int]) -> None:
    """Shrink the model's embedding table to ``rows``, in that order."""
    embeddings: torch.nn.Embedding = model.get_input_embeddings()  # type: ignore[assignment]
    kept = embeddings.weight.detach()[torch.tensor(rows)]
    smaller = torch.nn.Embedding(len(rows), kept.shape[1], padding_idx=0)
    smaller.weight = torch.nn.Parameter(kept)
    model.set_input_embeddings(smaller)
    model.config.vocab_size = len(rows)


def write_tokenizer(tokenizer: dict[str, Any], path: Path) -> None:
    """Write a tokenizer.json without white space, because the device reads it at every start."""
    write_text(path, json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")))
