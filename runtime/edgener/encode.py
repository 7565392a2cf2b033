"""Text to token ids with offsets into the caller's string. The only file that imports tokenizers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from edgener.errors import TokenizerError

REPLACEMENT = 0xFFFD
FULL_WIDTH_ASCII = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
LONE_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), REPLACEMENT)
ONE_TO_ONE = FULL_WIDTH_ASCII | LONE_SURROGATES
SHARING = re.compile("[^\u3400-\u4db5\u4e00-\u9fa5，、。：；！？“”‘’（）《》『』…—·]+")
"""Runs of what may share tokens with its neighbours. Ideographs and Chinese punctuation never do in BERT."""
WITHIN_RUN = re.compile(r"[\[\]<>\w]+", re.ASCII)
"""A token such as [CLS] that was added to the vocabulary, and is looked for in the text as it is."""
UNRECOGNIZED_IDEOGRAPH = re.compile("[\U0002b820-\U0002b91f\U0002ceb0-\U0002ee5d\U00030000-\U000323af]")
"""Ideographs that BERT's normalizer takes for letters of an alphabet, and so for parts of a longer word."""
RARE_IDEOGRAPH = "\U0002a6d6"
"""An ideograph that BERT's normalizer sets apart, and that no vocabulary has."""
BOTH_ENDS = np.array([0, 1])
"""Offsets of a character from its own position."""


class Encoding(NamedTuple):
    """Tokens of one text, without special tokens."""

    ids: NDArray[np.int64]
    """Shape [tokens]: rows of the model's embedding table."""
    offsets: NDArray[np.int64]
    """Shape [tokens, 2]: half-open code-point range of each token in the caller's string."""


class Encoder:
    """A tokenizer.json, applied so that offsets stay in the caller's string.

    Full-width forms and lone surrogates are replaced one code point for one before the tokenizer sees them; case,
    control characters and accents are the tokenizer's own work, which tracks offsets itself. Characters that are always
    tokens of their own, most of any Chinese text, need only be looked up. Safe to share between threads.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._tokenizer: Tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises bare Exception
            raise TokenizerError(f"{path}: not a tokenizer.json that this version can read: {error}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.start_id = self._special("[CLS]", path)
        self.end_id = self._special("[SEP]", path)
        self.pad_id = self._special("[PAD]", path)
        self._character_ids = _CharacterIds(self._tokenizer)
        self._encode = self._encode_in_parts if _splits_characters(self._tokenizer) else self._encode_as_one

    @property
    def vocabulary_size(self) -> int:
        """Rows that the model's embedding table must have."""
        return int(self._tokenizer.get_vocab_size())

    def __call__(self, texts: Sequence[str]) -> list[Encoding]:
        """Encodings in the order of ``texts``; a text without any token has empty arrays."""
        return [self._encode(text) for text in texts]

    def _encode_in_parts(self, text: str) -> Encoding:
        """What ``_encode_as_one`` gives, with the tokenizer's work left to the runs that need it."""
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
        run = UNRECOGNIZED_IDEOGRAPH.sub(RARE_IDEOGRAPH, text[start:end].translate(ONE_TO_ONE))
        encoding = self._tokenizer.encode(run, add_special_tokens=False)
        offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2) + start
        return Encoding(np.array(encoding.ids, dtype=np.int64), offsets)

    def _special(self, token: str, path: Path) -> int:
        token_id = self._tokenizer.token_to_id(token)
        if token_id is None:
            raise TokenizerError(f"{path}: has no {token} token; the bundle was made for another kind of model")
        return int(token_id)


class _CharacterIds(dict[str, int]):
    """Ids of characters that are tokens of their own, each asked of the tokenizer when it first occurs."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def __missing__(self, character: str) -> int:
        (token_id,) = self._tokenizer.encode(character.translate(ONE_TO_ONE), add_special_tokens=False).ids
        self[character] = token_id
        return int(token_id)


def _splits_characters(tokenizer: Tokenizer) -> bool:
    """Whether all but the runs of SHARING are tokens of their own, as they are in BERT's own tokenizer."""
    normalizer = tokenizer.normalizer
    added = tokenizer.get_added_tokens_decoder().values()
    return (
        isinstance(normalizer, BertNormalizer)
        and normalizer.handle_chinese_chars
        and isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)
        and not any(token.single_word or not WITHIN_RUN.fullmatch(token.content) for token in added)
    )
