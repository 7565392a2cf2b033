"""Labelled sentences as batches of token and tag ids, cut into the windows that the recognizer cuts text into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from edgener.segmentation import Chunk, chunks
from edgener.span_rules.marks import include_marks
from edgener.tags import ScoredSpan, Span, TagSet
from edgener.token_windows import token_windows
from edgener.tokenizer import Encoder, Encoding
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
    hard_share: float | None = None
    """The share of the labels in the loss beside a teacher's, where it is not that of the corpus's own sentences."""
    lost: tuple[Span, ...] = ()
    """Names of the sentence that no window shows whole, which no model finds; with its first window."""


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
    """Logits of a teacher [sentences, tokens, tags], where there is one."""
    hidden: tuple[torch.Tensor, ...] = ()
    """Hidden states [sentences, tokens, width] of each layer that is to be matched."""
    words: torch.Tensor | None = None
    """The number of each token's word, where whole words are to be hidden."""
    hard_share: float | None = None
    """The ``hard_share`` of all its examples."""
    lost: tuple[Span, ...] = ()
    """The ``lost`` names of all its examples."""

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
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


class Row(NamedTuple):
    """A window of a text as the model is given it, on the device and in the training."""

    ids: NDArray[np.int64]
    """Shape [tokens + 2]: the window's tokens between [CLS] and [SEP]."""
    tokens: slice
    """The window's tokens among those of ``encoding``."""
    encoding: Encoding
    """All tokens of the chunk that the window lies in; offsets count from the start of the text."""
    chunk: slice
    """The code points of the text that the chunk shows."""
    is_owned: NDArray[np.bool_]
    """Shape [tokens]: the window's own tokens; others are context that belongs to a neighbouring window."""


def rows_of(text: str, encoder: Encoder, max_tokens: int) -> Iterator[Row]:
    """Yield the windows of at most ``max_tokens`` that the recognizer cuts a text into, special tokens included."""
    for chunk, encoding in _encodings(text, encoder):
        starts = encoding.offsets[:, 0] - chunk.offset
        in_core = (chunk.core_start <= starts) & (starts < chunk.core_end)
        for window in token_windows(chunk, encoding.offsets - chunk.offset, max_tokens):
            tokens = slice(window.start, window.end)
            places = np.arange(window.start, window.end)
            yield Row(
                np.concatenate([[encoder.start_id], encoding.ids[tokens], [encoder.end_id]]),
                tokens,
                encoding,
                slice(chunk.offset, chunk.offset + len(chunk.text)),
                in_core[tokens] & (window.core_start <= places) & (places < window.core_end),
            )


def _encodings(text: str, encoder: Encoder) -> Iterator[tuple[Chunk, Encoding]]:
    """Yield the chunks of a text, each with its encoding, whose offsets count from the start of the text."""
    for chunk in chunks([text]):
        (encoding,) = encoder([chunk.text])
        yield chunk, Encoding(encoding.ids, encoding.offsets + chunk.offset)


def token_spans(encoding: Encoding, spans: Sequence[Span]) -> list[Span]:
    """Return code-point spans as token spans; a token that two names share goes to the first."""
    return [tokens for _, tokens in _spans_and_tokens(encoding, spans)]


def _spans_and_tokens(encoding: Encoding, spans: Sequence[Span]) -> Iterator[tuple[Span, Span]]:
    """Yield each code-point span that has tokens of its own, and its tokens."""
    free_from = 0
    for start, end, label in spans:
        first = int(np.searchsorted(encoding.offsets[:, 1], start, side="right"))
        last = int(np.searchsorted(encoding.offsets[:, 0], end, side="left"))
        first = max(first, free_from)
        if first < last:
            yield Span(start, end, label), Span(first, last, label)
            free_from = last


def cut_by_tokens(sentences: Iterable[Sentence], encoder: Encoder) -> Iterator[tuple[Sentence, Span]]:
    """Yield the names that no run of whole tokens is, each with its sentence, such as 5 in 5mg, where 5m is a token.

    A model finds the name with the rest of its tokens, or not at all.
    """
    for sentence in sentences:
        if not sentence.spans:
            continue
        whole = {
            Span(int(encoding.offsets[first, 0]), int(encoding.offsets[last - 1, 1]), label)
            for _, encoding in _encodings(sentence.text, encoder)
            for first, last, label in token_spans(encoding, sentence.spans)
        }
        found = {each.span for each in include_marks(sentence.text, (ScoredSpan(span, 1.0) for span in whole))}
        yield from ((sentence, span) for span in sentence.spans if span not in found)


def encode_sentences(
    sentences: Sequence[Sentence], encoder: Encoder, tag_set: TagSet, max_tokens: int
) -> list[Example]:
    """Return an example for each window of each sentence's text, in the order of ``sentences``.

    A name is labelled as a whole in the window that it starts in. Tokens of names that start in another window, or end
    outside of this one, tokens of the sentence's ignored ranges, and other tokens that the window does not own, are
    IGNORED.
    """
    examples: list[Example] = []
    for sentence in sentences:
        whole = set[Span]()
        windows = [
            Example(row.ids, np.pad(_tags(row, sentence, tag_set, whole), 1, constant_values=IGNORED))
            for row in rows_of(sentence.text, encoder, max_tokens)
        ]
        lost = tuple(span for span in sentence.spans if span not in whole)
        examples += [replace(window, lost=lost) for window in windows[:1]] + windows[1:]
    return examples


def count_names(examples: Sequence[Example], tag_set: TagSet) -> int:
    """Return how many names the tags of all examples stand for."""
    return sum(len(tag_set.spans(np.where(each.tags == IGNORED, tag_set.outside, each.tags))) for each in examples)


def calibration_rows(
    sentences: Sequence[Sentence], number: int, encoder: Encoder, max_tokens: int
) -> list[NDArray[np.int64]]:
    """Return rows of token ids with their special tokens, of ``number`` sentences that are evenly spread."""
    chosen = evenly_spread(sentences, number)
    return [row.ids for sentence in chosen for row in rows_of(sentence.text, encoder, max_tokens)]


def _tags(row: Row, sentence: Sentence, tag_set: TagSet, whole: set[Span]) -> NDArray[np.int64]:
    """Return the tag of each of a row's tokens, without its special tokens; add the names shown whole to ``whole``."""
    tags = np.where(row.is_owned, tag_set.outside, IGNORED)
    start, end = row.tokens.start, row.tokens.stop
    offsets = row.encoding.offsets[row.tokens]
    for ignored_start, ignored_end in sentence.ignored:
        tags[(ignored_start < offsets[:, 1]) & (offsets[:, 0] < ignored_end)] = IGNORED
    for span, (first, last, label) in _spans_and_tokens(row.encoding, sentence.spans):
        name = slice(max(first, start) - start, min(last, end) - start)
        is_in_chunk = row.chunk.start <= span.start and span.end <= row.chunk.stop
        if is_in_chunk and start <= first and last <= end and row.is_owned[first - start]:
            tags[name] = tag_set.tag_ids(last - first, [Span(0, last - first, label)])
            whole.add(span)
        elif first < end and start < last:
            tags[name] = IGNORED
    return tags


def batches(examples: Sequence[Example], tokens_per_batch: int, pad_id: int, seed: int | None) -> Iterator[Batch]:
    """Yield all examples once, in the batches that ``batch_groups`` returns."""
    for group in batch_groups(examples, tokens_per_batch, seed):
        yield pad([examples[index] for index in group], pad_id)


def batch_groups(examples: Sequence[Example], tokens_per_batch: int, seed: int | None) -> list[list[int]]:
    """Return which examples share a batch of at most ``tokens_per_batch`` tokens with padding.

    Examples of a batch are neighbours in length and of one kind: all of them have a teacher's logits or none, and all
    have the same ``hard_share``. With a ``seed``, the seed decides which neighbours share a batch, and the order of the
    batches; without one they come from short to long.
    """
    lengths = np.array([len(example.ids) for example in examples])
    generator = np.random.default_rng(seed)
    jitter = generator.random(len(examples)) if seed is not None else np.zeros(len(examples))
    kinds: dict[tuple[bool, float], list[np.intp]] = {}
    for place in np.lexsort((jitter, lengths)):
        example = examples[place]
        kind = example.teacher is None, -1.0 if example.hard_share is None else example.hard_share
        kinds.setdefault(kind, []).append(place)
    groups = [group for kind in sorted(kinds) for group in _groups(kinds[kind], lengths, tokens_per_batch)]
    if seed is not None:
        generator.shuffle(groups)
    return groups


def pad(examples: Sequence[Example], pad_id: int) -> Batch:
    """Return a batch of the examples, padded to the longest."""
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
        hard_share=examples[0].hard_share,
        lost=tuple(span for example in examples for span in example.lost),
    )


def _pad(rows: list[torch.Tensor], value: float) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=value)


def _groups(order: Sequence[np.intp], lengths: NDArray[np.intp], tokens_per_batch: int) -> Iterator[list[int]]:
    group: list[int] = []
    for index in order:
        if group and lengths[index] * (len(group) + 1) > tokens_per_batch:
            yield group
            group = []
        group.append(int(index))
    if group:
        yield group
