"""Decoding finds the best valid tag sequence, whatever the logits are and whatever stands next to a row."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgener.decode import decode
from edgener.tags import ScoredSpan, Span, TagSet

TAG_SETS = [TagSet.of("BIO", ("LOC", "PER")), TagSet.of("BIOES", ("PER",))]


class Rows(NamedTuple):
    """Logits [rows, tokens, tags] of which only ``lengths`` tokens count."""

    tag_set: TagSet
    logits: NDArray[np.float32]
    lengths: NDArray[np.intp]


@st.composite
def rows(draw: st.DrawFn) -> Rows:
    """Small logits with many ties and many invalid favourites."""
    tag_set = draw(st.sampled_from(TAG_SETS))
    lengths = draw(st.lists(st.integers(0, 5), min_size=1, max_size=4))
    shape = (len(lengths), draw(st.integers(max(lengths), 6)), len(tag_set.tags))
    values = st.lists(st.integers(-3, 3), min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))
    logits = np.array(draw(values), dtype=np.float32).reshape(shape)
    return Rows(tag_set, logits, np.array(lengths, dtype=np.intp))


def every_valid_path(tag_set: TagSet, length: int) -> list[tuple[int, ...]]:
    """Find all valid paths by trying; test_tags.py proves that the round trip is the scheme's grammar."""
    paths = itertools.product(range(len(tag_set.tags)), repeat=length)
    return [path for path in paths if tuple(tag_set.tag_ids(length, tag_set.spans(path))) == path]


PATHS = {
    (tag_set.scheme, length): np.array(every_valid_path(tag_set, length), dtype=np.intp)
    for tag_set in TAG_SETS
    for length in range(6)
}


@given(rows())
def test_the_best_valid_sequence_is_found(example: Rows) -> None:
    tag_set, logits, lengths = example
    for row, length, found in zip(logits, lengths, decode(logits, lengths, tag_set), strict=True):
        positions = np.arange(length)
        best = row[positions, PATHS[tag_set.scheme, length]].sum(axis=1).max()
        chosen = tag_set.tag_ids(length, [scored.span for scored in found])
        assert row[positions, chosen].sum() == best


@given(rows())
def test_a_row_does_not_see_its_neighbours_or_its_padding(example: Rows) -> None:
    tag_set, logits, lengths = example
    together = decode(logits, lengths, tag_set)
    for number, length in enumerate(lengths):
        alone = decode(logits[number : number + 1, :length], lengths[number : number + 1], tag_set)
        assert alone == [together[number]]


@given(rows())
def test_scores_are_the_mean_probabilities_of_the_tags(example: Rows) -> None:
    tag_set, logits, lengths = example
    exponent = np.exp(logits.astype(np.float64))
    probability = exponent / exponent.sum(axis=-1, keepdims=True)
    for number, found in enumerate(decode(logits, lengths, tag_set)):
        chosen = tag_set.tag_ids(lengths[number], [scored.span for scored in found])
        for (start, end, _), score in found:
            expected = np.mean([probability[number, token, chosen[token]] for token in range(start, end)])
            assert score == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("tag_set", TAG_SETS, ids=["BIO", "BIOES"])
def test_an_inside_tag_alone_is_no_entity(tag_set: TagSet) -> None:
    logits = np.zeros((1, 1, len(tag_set.tags)), dtype=np.float32)
    logits[0, 0, tag_set.tags.index("I-PER")] = 9
    logits[0, 0, tag_set.tags.index("O")] = 1
    assert decode(logits, np.array([1]), tag_set) == [[]]


def test_huge_logits_do_not_overflow() -> None:
    tag_set = TAG_SETS[1]
    logits = np.full((1, 1, 5), -1e38, dtype=np.float32)
    logits[0, 0, tag_set.tags.index("S-PER")] = 1e38
    assert decode(logits, np.array([1]), tag_set) == [[ScoredSpan(Span(0, 1, "PER"), 1.0)]]


def test_no_rows_and_no_tokens() -> None:
    assert decode(np.zeros((0, 0, 5), np.float32), np.zeros(0, np.intp), TAG_SETS[0]) == []
    assert decode(np.zeros((2, 0, 5), np.float32), np.zeros(2, np.intp), TAG_SETS[0]) == [[], []]
