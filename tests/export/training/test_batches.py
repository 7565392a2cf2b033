"""Batches hold every labelled token exactly once, within their size."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgener import Recognizer
from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import TOKENIZER
from edgener.span_rules.marks import include_marks
from edgener.tags import ScoredSpan, Span, TagSet
from edgener.tokenizer import Encoder
from edgener_export.corpus.splits import Sentence, read_corpus_file
from edgener_export.training.batches import (
    IGNORED,
    Batch,
    Example,
    batch_groups,
    batches,
    calibration_rows,
    count_names,
    cut_by_tokens,
    encode_sentences,
    pad,
    rows_of,
    token_spans,
)
from edgener_export.training.unlabelled import unlabelled_examples
from tests.support import TEXTS, TINY_BUNDLE, TINY_TEST

ENCODER = Encoder(TINY_BUNDLE / TOKENIZER)
TAG_SET = TagSet.of("BIOES", ("LOC", "ORG", "PER"))
SENTENCES = read_corpus_file(TINY_TEST)
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


def recognizer_of(max_tokens: int) -> Recognizer:
    """Return the tiny recognizer as if its model had this many positions."""
    recognizer = Recognizer.load(TINY_BUNDLE)
    recognizer.manifest = replace(recognizer.manifest, max_tokens=max_tokens)
    return recognizer


def spans_of(example: Example) -> list[Span]:
    """Return the token spans that an example's tags stand for."""
    return TAG_SET.spans(np.where(example.tags == IGNORED, TAG_SET.outside, example.tags))


def labelled_runs(example: Example) -> list[list[int]]:
    """Return the tags between IGNORED ones."""
    return [list(run) for is_tag, run in groupby(example.tags.tolist(), lambda tag: tag != IGNORED) if is_tag]


@pytest.mark.parametrize("max_tokens", [8, 20, 64])
def test_a_text_is_cut_where_the_recognizer_cuts_it(max_tokens: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[int]] = []
    recognizer = recognizer_of(max_tokens)

    def keep(rows: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        seen.extend(row.tolist() for row in rows)
        return rows

    monkeypatch.setattr(recognizer, "_logits", keep)
    for text in [*(sentence.text for sentence in SENTENCES[:40]), LONG]:
        recognizer.logits(text)
        cut = [row.ids.tolist() for row in rows_of(text, ENCODER, max_tokens)]
        assert cut == [[ENCODER.start_id, *row, ENCODER.end_id] for row in seen]
        seen.clear()


LONG = "王伟在北京大学工作，" * 1500
"""A text without a sentence end that is longer than a chunk."""


def test_unlabelled_text_teachers_and_calibration_are_cut_alike() -> None:
    rows = [row.ids.tolist() for row in rows_of(LONG, ENCODER, 20)]
    assert [each.ids.tolist() for each in encode_sentences([Sentence(LONG, ())], ENCODER, TAG_SET, 20)] == rows
    assert [each.ids.tolist() for each in unlabelled_examples([LONG], ENCODER, 20)] == rows
    assert [each.tolist() for each in calibration_rows([Sentence(LONG, ())], 1, ENCODER, 20)] == rows


def test_labels_survive_the_way_into_tokens() -> None:
    for sentence in SENTENCES:
        found = [
            Span(int(offsets[span.start, 0]), int(offsets[span.end - 1, 1]), span.label)
            for row, example in zip(
                rows_of(sentence.text, ENCODER, 512), encode_sentences([sentence], ENCODER, TAG_SET, 512), strict=True
            )
            for offsets in [row.encoding.offsets[row.tokens]]
            for span in TAG_SET.spans(example.tags[1:-1])
        ]
        assert found == list(sentence.spans)


@pytest.mark.parametrize("max_tokens", [8, 20, 64])
def test_every_token_is_labelled_once_but_for_names_that_no_window_shows_whole(max_tokens: int) -> None:
    names = sum(len(sentence.spans) for sentence in SENTENCES)
    examples = encode_sentences(SENTENCES, ENCODER, TAG_SET, max_tokens)
    assert max(len(each.ids) for each in examples) <= max_tokens
    assert names - count_names(examples, TAG_SET) <= (0 if max_tokens > 8 else 0.9 * names)
    outside = sum(int((np.array(each.tags) == TAG_SET.outside).sum()) for each in examples)
    whole = encode_sentences(SENTENCES, ENCODER, TAG_SET, 512)
    assert outside == sum(int((each.tags == TAG_SET.outside).sum()) for each in whole)


def test_a_name_across_a_cut_is_labelled_whole_where_it_starts_and_ignored_elsewhere() -> None:
    text = "工" * 4 + "王伟" + "工" * 5
    rows = encode_sentences([Sentence(text, (Span(4, 6, "PER"),))], ENCODER, TAG_SET, 10)
    found = [[TAG_SET.tags[tag] if tag != IGNORED else "-" for tag in each.tags.tolist()] for each in rows]
    assert found == [
        ["-", *("O", "O", "O", "O", "B-PER", "E-PER", "-"), "-"],
        ["-", *("-", "-", "-", "O", "O", "O", "O", "O"), "-"],
    ]


@given(TEXTS, st.integers(8, 40), st.sampled_from(["BIO", "BIOES"]), st.data())
def test_no_example_has_tags_that_decoding_forbids(
    text: str, max_tokens: int, scheme: str, data: st.DataObject
) -> None:
    text = text * data.draw(st.integers(1, 6))
    edges = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=12)))
    spans = tuple(Span(start, end, "PER") for start, end in pairwise(edges) if data.draw(st.booleans()))
    tag_set = TagSet.of(scheme, ("LOC", "PER"))
    (whole,) = ENCODER([text])
    examples = encode_sentences([Sentence(text, spans)], ENCODER, tag_set, max_tokens)
    for example in examples:
        assert example.tags[0] == example.tags[-1] == IGNORED
        assert all(tag_set.is_valid(run) for run in labelled_runs(example))
    assert count_names(examples, tag_set) <= len(token_spans(whole, spans))


def test_names_across_sentence_ends_and_chunks_are_not_labelled_in_part() -> None:
    text = "工" * 8190 + "。王伟" + "工" * 9000
    for span in (Span(8180, 8193, "PER"), Span(8100, 8300, "PER"), Span(8189, 8192, "PER")):
        examples = encode_sentences([Sentence(text, (span,))], ENCODER, TAG_SET, 64)
        assert count_names(examples, TAG_SET) == 0
        outside = sum(int((each.tags == TAG_SET.outside).sum()) for each in examples)
        assert outside == len(text) - (span.end - span.start)


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


def test_ignored_ranges_have_no_loss_and_names_beside_them_keep_theirs() -> None:
    sentence = Sentence("王小明在北京", (Span(0, 3, "PER"),), ignored=((4, 6),))
    (example,) = encode_sentences([sentence], ENCODER, TAG_SET, 64)
    assert example.tags.tolist() == [IGNORED, *TAG_SET.tag_ids(4, [Span(0, 3, "PER")]), IGNORED, IGNORED, IGNORED]


SHAPES = st.tuples(st.integers(3, 12), st.booleans(), st.sampled_from([None, 0.0, 0.5]))


@given(st.lists(SHAPES, min_size=1, max_size=30), st.none() | st.integers(0, 9))
def test_examples_with_another_teaching_share_no_batch(
    shapes: list[tuple[int, bool, float | None]], seed: int | None
) -> None:
    examples = [
        Example(
            np.arange(length),
            np.zeros(length, np.int64),
            np.zeros((length, 3), np.float16) if is_taught else None,
            hard_share=share,
        )
        for length, is_taught, share in shapes
    ]
    groups = batch_groups(examples, 40, seed)
    assert sorted(index for group in groups for index in group) == list(range(len(examples)))
    assert all(len({shapes[index][1:] for index in group}) == 1 for group in groups)
    assert all(pad([examples[index] for index in group], 0).hard_share == shapes[group[0]][2] for group in groups)


def test_names_that_no_window_shows_whole_are_lost_with_their_first_window() -> None:
    sentence = Sentence("王小明在青山。大学去", (Span(0, 3, "PER"), Span(4, 9, "ORG")))
    examples = encode_sentences([sentence, SENTENCES[0]], ENCODER, TAG_SET, 16)
    lost = [example.lost for example in examples if example.lost]
    assert lost == [(sentence.spans[1],)]
    assert pad(examples, 0).lost == (sentence.spans[1],)


def test_names_that_end_inside_a_token_are_named_and_others_are_not() -> None:
    encoder = Encoder(DEFAULT_BUNDLE / TOKENIZER)
    dose = Sentence("每日5mg阿司匹林", (Span(2, 3, "DOSE"), Span(3, 5, "UNIT"), Span(5, 9, "DRUG")))
    whole = Sentence("每日5mg阿司匹林", (Span(2, 5, "DOSE"), Span(5, 9, "DRUG")))
    accent = Sentence("Cafe\u0301王", (Span(0, 5, "ORG"), Span(5, 6, "PER")))
    assert list(cut_by_tokens([dose, whole, accent], encoder)) == [(dose, dose.spans[0]), (dose, dose.spans[1])]


@given(TEXTS, st.data())
def test_runs_of_whole_tokens_are_never_cut(text: str, data: st.DataObject) -> None:
    (encoding,) = ENCODER([text])
    if len(encoding.ids):
        first = data.draw(st.integers(0, len(encoding.ids) - 1))
        last = data.draw(st.integers(first, len(encoding.ids) - 1))
        span = Span(int(encoding.offsets[first, 0]), int(encoding.offsets[last, 1]), "PER")
        spans = tuple(found.span for found in include_marks(text, [ScoredSpan(span, 1.0)]))
        assert list(cut_by_tokens([Sentence(text, spans)], ENCODER)) == []


def test_names_of_ordinary_sentences_are_runs_of_whole_tokens() -> None:
    assert list(cut_by_tokens(SENTENCES, ENCODER)) == []
