"""Hashes of substrings are those of the same strings alone, and strings that differ have different ones."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgener.hash_filter import HashFilter
from edgener.substring_hashes import SubstringHashes, code_points, hash_of
from tests.support import TEXTS


@given(TEXTS | st.text("王小\0\ud800\U0010ffff", max_size=90), st.data())
def test_the_hash_of_a_substring_is_that_of_the_string_alone(text: str, data: st.DataObject) -> None:
    position = st.integers(0, len(text))
    ranges = data.draw(st.lists(st.tuples(position, position).map(sorted), max_size=20))
    starts, ends = np.array(ranges, dtype=np.intp).reshape(-1, 2).T
    expected = [hash_of(text[start:end]) for start, end in ranges]
    assert SubstringHashes(code_points(text)).of(starts, ends).tolist() == expected


def test_similar_strings_have_different_hashes() -> None:
    strings = {"".join(some) for length in range(1, 7) for some in product("王小明", repeat=length)}
    strings |= {"".join(some) for some in permutations("王小明在北京")}
    assert len({hash_of(string) for string in strings}) == len(strings)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=40), st.lists(st.integers(0, 2**64 - 1), max_size=40))
def test_a_filter_passes_all_of_its_hashes(held: list[int], others: list[int]) -> None:
    hashes = HashFilter(np.array(held, dtype=np.uint64))
    assert hashes.may_hold(np.array([*held, *others], dtype=np.uint64))[: len(held)].all()


def test_a_filter_passes_few_other_hashes() -> None:
    draw = np.random.default_rng(5)
    held, others = (draw.integers(0, 2**64, 10_000, dtype=np.uint64) for _ in range(2))
    assert HashFilter(held).may_hold(others).mean() < 1 / 20
    assert not HashFilter(held[:0]).may_hold(others).any()
