"""Batches hold every labelled token exactly once, within their size."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgener.bundle import TOKENIZER
from edgener.encode import Encoder
from edgener.tags import Span, TagSet
from edgener_export.corpus.splits import Sentence
from edgener_export.training.batches import IGNORED, Batch, Example, batches, encode_sentences, pad, token_spans
from tests.support import TEXTS, TINY_BUNDLE, labelled_texts

ENCODER = Encoder(TINY_BUNDLE / TOKENIZER)
TAG_SET = TagSet.of("BIOES", ("LOC", "ORG", "PER"))
SENTENCES = [Sentence(row.text, tuple(Span(*name) for name in row.names)) for row in labelled_texts()]
EXAMPLES = st.lists(
    st.integers(2, 30).map(lambda length: Example(np.arange(length), np.zeros(length, np.int64))),
    min_size=1,
    max_size=30,
)


def rows(batch: Batch) -> list[tuple[int, ...]]:
    """Token ids without padding."""
    return [tuple(ids[mask == 1].tolist()) for ids, mask in zip(batch.ids, batch.attention_mask, strict=True)]


@given(EXAMPLES, st.integers(30, 200), st.none() | st.integers(0, 5))
def test_every_example_comes_once_and_batches_keep_their_size(
    examples: list[Example], size: int, seed: int | None
) -> None:
    found = list(batches(examples, size, 0, seed))
    expected = Counter(tuple(example.ids.tolist()) for example in examples)
    assert Counter(row for batch in found for row in rows(batch)) == expected
    assert all(batch.ids.numel() <= size for batch in found)


@given(EXAMPLES, st.integers(0, 5))
def test_the_seed_decides_the_order(examples: list[Example], seed: int) -> None:
    once, again = (list(map(rows, batches(examples, 60, 0, seed))) for _ in range(2))
    assert once == again


@given(EXAMPLES)
def test_without_a_seed_they_come_from_short_to_long(examples: list[Example]) -> None:
    lengths = [len(row) for batch in batches(examples, 60, 0, None) for row in rows(batch)]
    assert all(before <= after for before, after in pairwise(lengths))


def test_padding() -> None:
    long = Example(np.array([1, 7, 8, 2]), np.array([IGNORED, 3, 4, IGNORED]))
    short = Example(np.array([1, 2]), np.array([IGNORED, IGNORED]))
    batch = pad([long, short], pad_id=9)
    assert batch.ids.tolist() == [[1, 7, 8, 2], [1, 2, 9, 9]]
    assert batch.attention_mask.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert batch.tags.tolist() == [[IGNORED, 3, 4, IGNORED], [IGNORED] * 4]
    assert batch.is_word.tolist() == [[False, True, True, False], [False] * 4]
    assert batch.teacher is None
    assert batch.ids.dtype == batch.tags.dtype == torch.int64


def test_labels_survive_the_way_into_tokens() -> None:
    for sentence, example in zip(SENTENCES, encode_sentences(SENTENCES, ENCODER, TAG_SET, 512), strict=True):
        (encoding,) = ENCODER([sentence.text])
        assert example.ids.tolist() == [ENCODER.start_id, *encoding.ids, ENCODER.end_id]
        assert example.tags[0] == example.tags[-1] == IGNORED
        spans = TAG_SET.spans(example.tags[1:-1])
        offsets = encoding.offsets
        assert [(offsets[s.start, 0], offsets[s.end - 1, 1], s.label) for s in spans] == list(sentence.spans)


@pytest.mark.parametrize("max_tokens", [8, 20, 64])
def test_what_is_too_long_becomes_several_examples(max_tokens: int) -> None:
    whole = encode_sentences(SENTENCES, ENCODER, TAG_SET, 512)
    parts = encode_sentences(SENTENCES, ENCODER, TAG_SET, max_tokens)
    assert max(len(part.ids) for part in parts) == max_tokens
    for field in ("ids", "tags"):
        expected = np.concatenate([getattr(example, field)[1:-1] for example in whole])
        assert np.array_equal(np.concatenate([getattr(part, field)[1:-1] for part in parts]), expected)


@given(TEXTS, st.data())
def test_token_spans_never_overlap(text: str, data: st.DataObject) -> None:
    (encoding,) = ENCODER([text])
    edges = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = [Span(start, end, "PER") for start, end in pairwise(edges)]
    found = token_spans(encoding, spans)
    assert all(0 <= span.start < span.end <= len(encoding.ids) for span in found)
    assert all(before.end <= after.start for before, after in pairwise(found))


def test_a_token_that_two_names_share_goes_to_the_first() -> None:
    (encoding,) = ENCODER(["10"])
    assert len(encoding.ids) == 2
    (word,) = ENCODER(["王"])
    assert token_spans(word, [Span(0, 1, "PER")]) == [Span(0, 1, "PER")]
    shared = word._replace(offsets=np.array([[0, 2]]))
    assert token_spans(shared, [Span(0, 1, "PER"), Span(1, 2, "LOC")]) == [Span(0, 1, "PER")]
