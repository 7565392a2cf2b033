"""Tag sequences stand for spans and spans for tag sequences, and nothing invalid is allowed."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.errors import ManifestError
from edgener.tags import SCHEMES, Span, TagSet

VALID = {
    "BIO": re.compile(r"(O |B-(\w+) (I-\2 )*)*"),
    "BIOES": re.compile(r"(O |S-\w+ |B-(\w+) (I-\2 )*E-\2 )*"),
}
TAG_SETS = [TagSet.of(scheme, ("LOC", "PER")) for scheme in SCHEMES]
by_scheme = pytest.mark.parametrize("tag_set", TAG_SETS, ids=list(SCHEMES))


def is_valid(tag_set: TagSet, tag_ids: tuple[int, ...]) -> bool:
    """The scheme's grammar, written down a second time."""
    return VALID[tag_set.scheme].fullmatch("".join(f"{tag_set.tags[i]} " for i in tag_ids)) is not None


@by_scheme
def test_transitions_allow_exactly_the_grammar(tag_set: TagSet) -> None:
    for length in range(1, 5):
        for tag_ids in itertools.product(range(len(tag_set.tags)), repeat=length):
            tags = [tag_set.tags[i] for i in tag_ids]
            assert tag_set.is_valid(tag_ids) == is_valid(tag_set, tag_ids), tags


@by_scheme
def test_valid_sequences_and_spans_are_the_same_thing(tag_set: TagSet) -> None:
    for length in range(5):
        for tag_ids in itertools.product(range(len(tag_set.tags)), repeat=length):
            if is_valid(tag_set, tag_ids):
                assert tuple(tag_set.tag_ids(length, tag_set.spans(tag_ids))) == tag_ids


@given(st.sampled_from(TAG_SETS), st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5), st.sampled_from("LP"))))
def test_touching_spans_stay_apart(tag_set: TagSet, pieces: list[tuple[int, int, str]]) -> None:
    spans = []
    end = 0
    for gap, length, label in pieces:
        spans.append(Span(end + gap, end + gap + length, {"L": "LOC", "P": "PER"}[label]))
        end += gap + length
    assert tag_set.spans(tag_set.tag_ids(end + 1, spans)) == spans


def test_labels_keep_their_order_and_may_hold_dashes() -> None:
    tag_set = TagSet.of("BIO", ("PER", "B-TEAM", "LOC"))
    assert tag_set.labels == ("PER", "B-TEAM", "LOC")
    assert tag_set.tags == ("O", "B-PER", "I-PER", "B-B-TEAM", "I-B-TEAM", "B-LOC", "I-LOC")
    assert tag_set.spans([0, 3, 4]) == [Span(1, 3, "B-TEAM")]


@pytest.mark.parametrize(
    ("scheme", "tags", "message"),
    [
        ("IOB1", ("O",), "IOB1"),
        ("BIO", ("O", "B-PER"), "complete BIO"),
        ("BIO", ("B-PER", "I-PER"), "complete BIO"),
        ("BIO", ("O", "O", "B-PER", "I-PER"), "complete BIO"),
        ("BIOES", ("O", "B-PER", "I-PER"), "complete BIOES"),
        ("BIO", ("O", "PER", "B-PER", "I-PER"), "complete BIO"),
        ("BIO", ("",), "complete BIO"),
    ],
)
def test_incomplete_tag_sets_are_refused(scheme: str, tags: tuple[str, ...], message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        TagSet(scheme, tags)


def test_an_unknown_scheme_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ManifestError) as caught:
        TagSet.of("IOB1", ("PER",))
    assert str(caught.value) == "tagging scheme 'IOB1' is unknown; known: BIO, BIOES"


@by_scheme
def test_incomplete_tags_are_told_whole(tag_set: TagSet) -> None:
    with pytest.raises(ManifestError) as caught:
        TagSet(tag_set.scheme, ("O", "I-PER"))
    assert str(caught.value) == f"tags ['O', 'I-PER'] are not a complete {tag_set.scheme} tag set"
