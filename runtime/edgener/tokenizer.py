"""Encoding of text into token ids with offsets into the caller's string.

This is the only file that imports tokenizers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from edgener.aliases import Aliases
from edgener.errors import TokenizerError

SHARING = re.compile("[^\u3400-\u4db5\u4e00-\u9fa5，、。：；！？“”‘’（）《》『』…—·]+")
"""Runs of characters that may share tokens with neighbours, as ideographs and Chinese punctuation never do in BERT."""
WITHIN_RUN = re.compile(r"[\[\]<>\w]+", re.ASCII)
"""A token such as [CLS] that was added to the vocabulary, and that the tokenizer looks for in the text as it is."""
UNRECOGNIZED_IDEOGRAPH = re.compile("[\U0002b820-\U0002b91f\U0002ceb0-\U0002ee5d\U00030000-\U000323af]")
"""Ideographs that BERT's normalizer takes for letters of an alphabet, and so for parts of a longer word."""
RARE_IDEOGRAPH = "\U0002a6d6"
"""An ideograph that BERT's normalizer sets apart, and that no vocabulary has."""
BOTH_ENDS = np.array([0, 1])
"""Start and end of a character, counted from its own position."""


class Encoding(NamedTuple):
    """The tokens of one text, without special tokens."""

    ids: NDArray[np.int64]
    """Rows of the model's embedding table, with the shape [tokens]."""
    offsets: NDArray[np.int64]
    """Half-open code-point range of each token in the caller's string, with the shape [tokens, 2]."""


class Encoder:
    """A tokenizer.json, applied so that offsets stay in the caller's string.

    Full-width forms, lone surrogates and the characters of the bundle's aliases are replaced one code point for one
    before the tokenizer sees them; case, control characters and accents are the tokenizer's own work, which tracks
    offsets itself. Characters that are always tokens of their own, most of any Chinese text, need only be looked up.
    Threads may share an encoder.
    """

    def __init__(self, path: Path, aliases: Collection[str] = ()) -> None:
        """Read the file ``path``; ``aliases`` are names of ``edgener.aliases.ALIASES``.

        Raises TokenizerError if the file is not a tokenizer of BERT's kind.
        """
        try:
            self._tokenizer: Tokenizer = Tokenizer.from_buffer(path.read_bytes())  # a path need not be UTF-8
        except Exception as error:  # tokenizers raises bare Exception
            raise TokenizerError(f"{path}: not a tokenizer.json that this version can read: {error}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.start_id = self._special("[CLS]", path)
        self.end_id = self._special("[SEP]", path)
        self.pad_id = self._special("[PAD]", path)
        self._aliases = Aliases(aliases, lambda character: self._tokenizer.token_to_id(character) is not None)
        self._character_ids = _CharacterIds(self._tokenizer, self._aliases)
        self._encode = self._encode_in_parts if _splits_characters(self._tokenizer) else self._encode_as_one

    @property
    def vocabulary_size(self) -> int:
        """Return the number of rows that the model's embedding table must have."""
        return int(self._tokenizer.get_vocab_size())

    def __call__(self, texts: Sequence[str]) -> list[Encoding]:
        """Return the encodings in the order of ``texts``; a text without any token has empty arrays."""
        return [self._encode(self._aliases.separators(text)) for text in texts]

    def words_of(self, text: str) -> str:
        """Return the text as the model sees its words: with aliases, one code point for one, but for white space."""
        return self._aliases.words(text)

    def _encode_in_parts(self, text: str) -> Encoding:
        """Return what ``_encode_as_one`` does, with the tokenizer called only for the runs that need it."""
        parts: list[Encoding] = []
        position = 0
        for run in SHARING.finditer(text):
            parts.append(self._encode_characters(text, position, run.start()))
            parts.append(self._encode_run(text, run.start(), run.end()))
            position = run.end()
        last = self._encode_characters(text, position, len(text))
        if not parts:
            return last
        ids, offsets = zip(*parts, last, strict=True)
        return Encoding(np.concatenate(ids), np.concatenate(offsets))

    def _encode_as_one(self, text: str) -> Encoding:
        return self._encode_run(text, 0, len(text))

    def _encode_characters(self, text: str, start: int, end: int) -> Encoding:
        ids = [self._character_ids[character] for character in text[start:end]]
        return Encoding(np.array(ids, dtype=np.int64), np.arange(start, end)[:, None] + BOTH_ENDS)

    def _encode_run(self, text: str, start: int, end: int) -> Encoding:
        run = UNRECOGNIZED_IDEOGRAPH.sub(RARE_IDEOGRAPH, text[start:end].translate(self._aliases))
        encoding = self._tokenizer.encode(run, add_special_tokens=False)
        offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2) + start
        return Encoding(np.array(encoding.ids, dtype=np.int64), offsets)

    def _special(self, token: str, path: Path) -> int:
        token_id = self._tokenizer.token_to_id(token)
        if token_id is None:
            raise TokenizerError(f"{path}: has no {token} token; the bundle was made for another kind of model")
        return int(token_id)


class _CharacterIds(dict[str, int]):
    """The ids of characters that are tokens of their own, each asked of the tokenizer when it first occurs."""

    def __init__(self, tokenizer: Tokenizer, aliases: Aliases) -> None:
        super().__init__()
        self._tokenizer, self._aliases = tokenizer, aliases

    def __missing__(self, character: str) -> int:
        (token_id,) = self._tokenizer.encode(character.translate(self._aliases), add_special_tokens=False).ids
        self[character] = token_id
        return int(token_id)


def _splits_characters(tokenizer: Tokenizer) -> bool:
    """Return whether all but the runs of SHARING are tokens of their own, as they are in BERT's own tokenizer."""
    normalizer = tokenizer.normalizer
    added = tokenizer.get_added_tokens_decoder().values()
    return (
        isinstance(normalizer, BertNormalizer)
        and normalizer.handle_chinese_chars
        and isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)
        and not any(token.single_word or not WITHIN_RUN.fullmatch(token.content) for token in added)
    )
