"""Text to token ids with offsets into the caller's string. The only file that imports tokenizers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from edgener.errors import TokenizerError

REPLACEMENT = 0xFFFD
FULL_WIDTH_ASCII = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
LONE_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), REPLACEMENT)
ONE_TO_ONE = FULL_WIDTH_ASCII | LONE_SURROGATES


class Encoding(NamedTuple):
    """Tokens of one text, without special tokens."""

    ids: NDArray[np.int64]
    """Shape [tokens]: rows of the model's embedding table."""
    offsets: NDArray[np.int64]
    """Shape [tokens, 2]: half-open code-point range of each token in the caller's string."""


class Encoder:
    """A tokenizer.json, applied so that offsets stay in the caller's string.

    Full-width forms and lone surrogates are replaced one code point for one before the tokenizer sees them; case,
    control characters and accents are the tokenizer's own work, which tracks offsets itself. Safe to share between
    threads.
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

    @property
    def vocabulary_size(self) -> int:
        """Rows that the model's embedding table must have."""
        return int(self._tokenizer.get_vocab_size())

    def __call__(self, texts: Sequence[str]) -> list[Encoding]:
        """Encodings in the order of ``texts``; a text without any token has empty arrays."""
        plain = [text.translate(ONE_TO_ONE) for text in texts]
        return [
            Encoding(
                np.array(encoding.ids, dtype=np.int64),
                np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2),
            )
            for encoding in self._tokenizer.encode_batch(plain, add_special_tokens=False)
        ]

    def _special(self, token: str, path: Path) -> int:
        token_id = self._tokenizer.token_to_id(token)
        if token_id is None:
            raise TokenizerError(f"{path}: has no {token} token; the bundle was made for another kind of model")
        return int(token_id)
