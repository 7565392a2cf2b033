"""Chunks and windows own everything exactly once, fit their limit, and see the context that they promise."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.segmentation import (
    BLOCK,
    CHUNK,
    CHUNK_MARGIN,
    INSIDE_WORD,
    Chunk,
    chunks,
    doubtful_ends,
    passages,
    sentence_ends,
    windows,
)
from edgener.token_windows import SPECIAL_TOKENS, token_windows
from tests.support import TEXTS, in_pieces


class Limits(NamedTuple):
    """Longest piece, and the context on each side of its core."""

    limit: int
    margin: int


LIMITS = st.integers(0, 8).flatmap(lambda margin: st.builds(Limits, st.integers(2 * margin + 1, 60), st.just(margin)))
SENTENCES = st.text("字a。！.”\n \u2028", max_size=200)


@given(in_pieces(SENTENCES | TEXTS), LIMITS)
def test_cores_of_chunks_are_the_document(pieces: list[str], limits: Limits) -> None:
    found = list(chunks(pieces, *limits))
    assert "".join(chunk.text[chunk.core_start : chunk.core_end] for chunk in found) == "".join(pieces)


@given(in_pieces(SENTENCES | TEXTS), LIMITS)
def test_chunks_are_short_parts_of_the_document_with_a_core(pieces: list[str], limits: Limits) -> None:
    document = "".join(pieces)
    for offset, text, core_start, core_end, _ in chunks(pieces, *limits):
        assert document[offset : offset + len(text)] == text
        assert 0 <= core_start < core_end <= len(text) <= limits.limit


@given(in_pieces(SENTENCES | TEXTS), LIMITS)
def test_chunks_do_not_depend_on_how_the_document_arrives(pieces: list[str], limits: Limits) -> None:
    assert list(chunks(pieces, *limits)) == list(chunks(["".join(pieces)], *limits))


@given(in_pieces(SENTENCES), LIMITS)
def test_a_core_that_ends_within_a_sentence_has_context(pieces: list[str], limits: Limits) -> None:
    found = list(chunks(pieces, *limits))
    for before, after in pairwise(found):
        ends_with_sentence = before.core_end == len(before.text) and after.core_start == 0
        has_context = len(before.text) - before.core_end >= limits.margin == after.core_start
        assert ends_with_sentence or has_context


@given(in_pieces(SENTENCES | TEXTS), LIMITS, st.integers(0, 40))
def test_text_ahead_follows_a_chunk_and_does_not_change_it(pieces: list[str], limits: Limits, ahead: int) -> None:
    document, found = "".join(pieces), list(chunks(pieces, *limits, ahead=ahead))
    assert [chunk._replace(following="") for chunk in found] == list(chunks(pieces, *limits))
    for chunk in found:
        end = chunk.offset + len(chunk.text)
        assert chunk.following == document[end : end + ahead]


def test_chunks_end_at_the_last_sentence_end_that_fits() -> None:
    assert list(chunks(["一二。三四。五六七八"], limit=8, margin=1)) == [
        Chunk(0, "一二。三四。", 0, 6),
        Chunk(6, "五六七八", 0, 4),
    ]


def test_a_long_string_is_cut_by_default_too() -> None:
    text = "字" * (2 * BLOCK + 7)
    found = list(chunks([text]))
    assert max(len(chunk.text) for chunk in found) == CHUNK
    assert found[1].core_start == CHUNK_MARGIN
    assert sum(chunk.core_end - chunk.core_start for chunk in found) == len(text)


def test_an_empty_document_has_no_chunk() -> None:
    assert list(chunks([])) == list(chunks(["", ""])) == []


@given(SENTENCES | TEXTS)
def test_sentence_ends_ascend_to_the_end_of_the_text(text: str) -> None:
    ends = [0, *sentence_ends(text)]
    assert all(before < after for before, after in pairwise(ends))
    assert ends[-1] == len(text)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("他问：“谁？”没人答……走了。", ["他问：“谁？”", "没人答……", "走了。"]),
        ("圆周率是3.14，对吗?!对.\n好", ["圆周率是3.14，对吗?!", "对.\n", "好"]),
        ("一行\r\n\r\n二行\u2028三行", ["一行\r\n\r\n", "二行\u2028", "三行"]),
        ("", []),
    ],
)
def test_sentences_keep_their_closing_quotes(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in pairwise([0, *sentence_ends(text)])] == sentences


@pytest.mark.parametrize(
    "name",
    [
        "乔治·W. 布什",
        "George W. Bush",
        "J. K. 罗琳",
        "Ｊ． Ｋ． 罗琳",
        "St. Louis",
        "Yahoo! Japan公司",
        "Yahoo！ Japan公司",
        "Mr. 王",
        "U.S. 政府",
        "É. 左拉",
        "Jeopardy!节目",
        "Who? 乐队",
        "Moulin Rouge! 剧场",
    ],
)
def test_a_mark_inside_a_name_is_no_certain_sentence_end(name: str) -> None:
    assert list(sentence_ends(f"他说{name}来了。走了")) == [len(name) + 5, len(name) + 7]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("约翰. 史密斯", ["约翰.", " 史密斯"]),
        ("iPhone. 好用", ["iPhone.", " 好用"]),
        ("Yahoo!) 日本？", ["Yahoo!)", " 日本？"]),
        ("J. K. 罗琳", ["J. K. 罗琳"]),
        ("Dr. 王和 Mt. 珠峰, U.S. 军", ["Dr. 王和 Mt. 珠峰, U.S. 军"]),
        ("He came. She left.", ["He came. She left."]),
        ("3.14 与 1. 一", ["3.14 与 1.", " 一"]),
    ],
)
def test_points_are_doubtful_ends_but_for_those_of_initials_and_between_latin_words(
    text: str, parts: list[str]
) -> None:
    ends = [end for end in doubtful_ends(text) if end < len(text)]
    assert [text[start:end] for start, end in pairwise([0, *ends, len(text)])] == parts


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("北京大\n学。好", ["北京大\n学。", "好"]),
        ("北京大\r\n学\r\n\r\n新的一段", ["北京大\r\n学\r\n\r\n", "新的一段"]),
        ("段尾\n\u3000\u3000段首\n接着", ["段尾\n\u3000\u3000", "段首\n接着"]),
        ("段尾\r接着\u2028接着\u2029新段", ["段尾\r接着\u2028接着\u2029", "新段"]),
    ],
)
def test_wrapped_sentences_go_on_in_the_next_line(text: str, sentences: list[str]) -> None:
    ends = sentence_ends(text, join_lines=True)
    assert [text[start:end] for start, end in pairwise([0, *ends])] == sentences


@given(st.integers(0, 9), st.integers(0, 60), st.sets(st.integers(0, 70)), st.integers(1, 20))
def test_passages_cover_everything_once_and_fit_where_cuts_allow_it(
    start: int, length: int, cuts: set[int], limit: int
) -> None:
    end, ordered = start + length, sorted(cuts)
    found = list(passages(start, end, ordered, limit))
    assert [position for first, last in found for position in range(first, last)] == list(range(start, end))
    assert all(last in cuts for _, last in found[:-1])
    for first, last in found:
        assert last - first <= limit or not any(first < cut < last for cut in cuts)
    for (first, _), (_, last) in pairwise(found):
        assert last - first > limit


@given(
    st.lists(st.sampled_from(["约翰. 史密斯", "Yahoo! 日本", "字" * 7, "a", "。"]), max_size=60), st.integers(10, 40)
)
def test_both_sides_of_a_doubtful_end_are_in_the_windows_that_it_separates(pieces: list[str], max_tokens: int) -> None:
    text = "".join(pieces)
    offsets = np.arange(len(text) + 1)
    tokens = np.stack([offsets[:-1], offsets[1:]], axis=1)
    found = list(token_windows(Chunk(0, text, 0, len(text)), tokens, max_tokens))
    owned = [position for window in found for position in range(window.core_start, window.core_end)]
    assert owned == list(range(len(text)))
    certain = {0, *sentence_ends(text)}
    for window in found:
        assert window.end - window.start <= max_tokens - SPECIAL_TOKENS
        assert window.core_start in certain or window.start < window.core_start
        assert window.core_end in certain or window.core_end < window.end


@given(in_pieces(st.text("字aB1 １", min_size=60, max_size=200)), LIMITS)
def test_cores_of_chunks_end_inside_words_only_where_a_word_fills_the_core(pieces: list[str], limits: Limits) -> None:
    document = "".join(pieces)
    for offset, text, core_start, core_end, _ in chunks(pieces, *limits):
        if limits.margin and INSIDE_WORD.match(document, offset + core_end - 1):  # else the next character is unseen
            assert re.fullmatch("[aB1１]+", text[max(core_start, limits.margin) : core_end])


@given(st.integers(0, 50), st.integers(0, 400), LIMITS)
def test_windows_own_every_position_once_and_fit(start: int, length: int, limits: Limits) -> None:
    found = list(windows(start, start + length, *limits))
    owned = [position for window in found for position in range(window.core_start, window.core_end)]
    assert owned == list(range(start, start + length))
    for window in found:
        assert start <= window.start <= window.core_start < window.core_end <= window.end <= start + length
        assert window.end - window.start <= limits.limit
        assert window.start == start or window.core_start - window.start == limits.margin
        assert window.end == start + length or window.end - window.core_end == limits.margin


@given(st.integers(1, 400), LIMITS)
def test_windows_of_a_sentence_are_of_nearly_equal_length(length: int, limits: Limits) -> None:
    lengths = [window.end - window.start for window in windows(0, length, *limits)]
    assert max(lengths) - min(lengths) <= limits.margin + 1


def test_a_word_longer_than_a_chunk_is_cut_after_what_stands_before_it() -> None:
    document = "北京" + "a" * 3 * CHUNK
    found = list(chunks([document]))
    assert "".join(chunk.text[chunk.core_start : chunk.core_end] for chunk in found) == document
    assert all(document[chunk.offset : chunk.offset + len(chunk.text)] == chunk.text for chunk in found)
