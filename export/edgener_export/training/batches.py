"""Labelled sentences to batches of token and tag ids, cut by number of tokens and sorted by length within an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from edgener.encode import Encoder, Encoding
from edgener.tags import Span, TagSet
from edgener_export.corpus.sampling import evenly_spread
from edgener_export.corpus.splits import Sentence

IGNORED = -100
"""Tag id of positions without a loss; torch's cross entropy skips it."""


@dataclass(frozen=True, slots=True)
class Example:
    """One encoded sentence with its special tokens."""

    ids: NDArray[np.int64]
    """Shape [tokens]."""
    tags: NDArray[np.int64]
    """Shape [tokens]; IGNORED where nobody labelled."""
    teacher: NDArray[np.float16] | None = None
    """A teacher's logits [tokens, tags], where there is a teacher."""
    hidden: tuple[NDArray[np.float16], ...] = ()
    """Hidden states [tokens, width] of a teacher's layers, where they are to be matched."""
    words: NDArray[np.int64] | None = None
    """The number of each token's word [tokens], where whole words are to be hidden."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded tensors of the shape [sentences, tokens]."""

    ids: torch.Tensor
    attention_mask: torch.Tensor
    """1 for every token, 0 for padding."""
    tags: torch.Tensor
    is_word: torch.Tensor
    """True for tokens of the text; False for [CLS], [SEP] and padding."""
    teacher: torch.Tensor | None
    """[sentences, tokens, tags], where there is a teacher."""
    hidden: tuple[torch.Tensor, ...] = ()
    """[sentences, tokens, width] of each layer that is to be matched."""
    words: torch.Tensor | None = None
    """The number of each token's word, where whole words are to be hidden."""

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        return replace(
            self,
            ids=self.ids.to(device),
            attention_mask=self.attention_mask.to(device),
            tags=self.tags.to(device),
            is_word=self.is_word.to(device),
            teacher=None if self.teacher is None else self.teacher.to(device),
            hidden=tuple(layer.to(device) for layer in self.hidden),
            words=None if self.words is None else self.words.to(device),
        )


def token_spans(encoding: Encoding, spans: Sequence[Span]) -> list[Span]:
    """Code-point spans as token spans; a token that two names share goes to the first."""
    token_spans: list[Span] = []
    free_from = 0
    for start, end, label in spans:
        first = int(np.searchsorted(encoding.offsets[:, 1], start, side="right"))
        last = int(np.searchsorted(encoding.offsets[:, 0], end, side="left"))
        first = max(first, free_from)
        if first < last:
            token_spans.append(Span(first, last, label))
            free_from = last
    return token_spans


class Window(NamedTuple):
    """Tokens of a text that fit into a row."""

    tokens: slice
    """Which of the text's."""
    row: NDArray[np.int64]
    """Their ids between [CLS] and [SEP]."""


def windows(encoding: Encoding, encoder: Encoder, max_tokens: int) -> Iterator[Window]:
    """All tokens of a text, cut to rows of at most ``max_tokens``."""
    room = max_tokens - 2
    for start in range(0, len(encoding.ids), room):
        tokens = slice(start, start + room)
        yield Window(tokens, np.concatenate([[encoder.start_id], encoding.ids[tokens], [encoder.end_id]]))


def encode_sentences(
    sentences: Sequence[Sentence], encoder: Encoder, tag_set: TagSet, max_tokens: int
) -> list[Example]:
    """Examples in the order of ``sentences``; what goes beyond ``max_tokens`` becomes an example of its own."""
    examples: list[Example] = []
    for sentence, encoding in zip(sentences, encoder([s.text for s in sentences]), strict=True):
        tags = np.array(tag_set.tag_ids(len(encoding.ids), token_spans(encoding, sentence.spans)), dtype=np.int64)
        examples.extend(
            Example(window.row, np.pad(tags[window.tokens], 1, constant_values=IGNORED))
            for window in windows(encoding, encoder, max_tokens)
        )
    return examples


def calibration_rows(
    sentences: Sequence[Sentence], number: int, encoder: Encoder, max_tokens: int
) -> list[NDArray[np.int64]]:
    """Rows of token ids with their special tokens, of so many sentences, evenly spread."""
    chosen = [sentence.text for sentence in evenly_spread(sentences, number)]
    return [window.row for encoding in encoder(chosen) for window in windows(encoding, encoder, max_tokens)]


def batches(examples: Sequence[Example], tokens_per_batch: int, pad_id: int, seed: int | None) -> Iterator[Batch]:
    """All examples once, in the batches that ``batch_groups`` says."""
    for group in batch_groups(examples, tokens_per_batch, seed):
        yield pad([examples[index] for index in group], pad_id)


def batch_groups(examples: Sequence[Example], tokens_per_batch: int, seed: int | None) -> list[list[int]]:
    """Which examples share a batch of at most ``tokens_per_batch`` tokens with padding: neighbours in length.

    With a ``seed`` the batches come in an order, and hold neighbours, that the seed decides; without one they come from
    short to long.
    """
    lengths = np.array([len(example.ids) for example in examples])
    generator = np.random.default_rng(seed)
    jitter = generator.random(len(examples)) if seed is not None else np.zeros(len(examples))
    order = np.lexsort((jitter, lengths))
    groups = list(_groups(order, lengths, tokens_per_batch))
    if seed is not None:
        generator.shuffle(groups)
    return groups


def pad(examples: Sequence[Example], pad_id: int) -> Batch:
    """Examples side by side, as long as the longest."""
    lengths = torch.tensor([len(example.ids) for example in examples])
    position = torch.arange(int(lengths.max()))
    teachers = [torch.from_numpy(example.teacher).float() for example in examples if example.teacher is not None]
    words = [torch.from_numpy(example.words) for example in examples if example.words is not None]
    return Batch(
        ids=_pad([torch.from_numpy(example.ids) for example in examples], pad_id),
        attention_mask=(position < lengths[:, None]).long(),
        tags=_pad([torch.from_numpy(example.tags) for example in examples], IGNORED),
        is_word=(position > 0) & (position < lengths[:, None] - 1),
        teacher=_pad(teachers, 0) if teachers else None,
        hidden=tuple(
            _pad([torch.from_numpy(np.array(states)).float() for states in layer], 0)
            for layer in zip(*(example.hidden for example in examples), strict=True)
        ),
        words=_pad(words, 0) if words else None,
    )


def _pad(rows: list[torch.Tensor], value: float) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=value)


def _groups(order: NDArray[np.intp], lengths: NDArray[np.intp], tokens_per_batch: int) -> Iterator[list[int]]:
    group: list[int] = []
    for index in order:
        if group and lengths[index] * (len(group) + 1) > tokens_per_batch:
            yield group
            group = []
        group.append(int(index))
    if group:
        yield group
