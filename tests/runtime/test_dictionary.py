"""A dictionary finds every word wherever it stands, tells contradictions by line, and is small."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.dictionary import Dictionary, Meaning
from edgener.errors import InputError, UsageError
from edgener.word_files import Word
from tests.support import TEXTS
from tools.dictionary_cost import invented_words

ALPHABET = st.text("王小明北京大学AB1，\U00020bb7", max_size=40)
BYTES_PER_WORD = 133
"""Most bytes of a word, so that 300,000 of them take at most 40 MB."""


def dictionary(words: dict[str, str], priorities: Sequence[int] = (0,)) -> Dictionary:
    """Return the dictionary of words with their types; the priorities are dealt out in turn."""
    entries = (
        Word(number + 1, word, label, priorities[number % len(priorities)])
        for number, (word, label) in enumerate(words.items())
    )
    return Dictionary(entries, "words.tsv", str)


@given(ALPHABET | TEXTS, st.data())
def test_every_occurrence_of_every_word_is_found(text: str, data: st.DataObject) -> None:
    pieces = st.builds(lambda at, length: text[at : at + length], st.integers(0, len(text)), st.integers(1, 70))
    words = data.draw(st.sets(pieces.filter(bool) | st.text(min_size=1, max_size=4), max_size=12))
    found = {(match.start, match.end) for match in dictionary(dict.fromkeys(words, "PER")).matches(text)}
    expected = {
        (at, at + len(word)) for word in words for at in range(len(text) + 1 - len(word)) if text.startswith(word, at)
    }
    assert found == expected


def test_words_of_every_length_up_to_the_longest_are_found() -> None:
    text = "".join(chr(0x4E00 + number) for number in range(256))
    words = {text[:length]: "PER" for length in range(1, 257)}
    assert sorted(match.end for match in dictionary(words).matches(text + "王")) == list(range(1, 257))


def test_a_match_has_the_meaning_of_its_word() -> None:
    found = {
        (match.start, match.end): match.meaning
        for match in dictionary({"王": "PER", "王府": "LOC", "府井": "ORG"}, [0, 3, 9]).matches("王府井")
    }
    assert found == {(0, 1): Meaning("PER", 0), (0, 2): Meaning("LOC", 3), (1, 3): Meaning("ORG", 9)}


def test_a_dictionary_without_words_finds_nothing() -> None:
    assert list(dictionary({}).matches("王小明")) == []
    assert list(dictionary({"王小明": "PER"}).matches("")) == []


@pytest.mark.parametrize("other", [Word(7, "國航", "LOC", 0), Word(7, "國航", "ORG", 2)])
def test_a_word_that_means_two_things_is_told_with_both_lines(other: Word) -> None:
    words = [Word(2, "国航", "ORG", 0), Word(5, "北京", "LOC", 0), other]
    message = f"words.tsv: line 7: '国航' is {other.label} with priority {other.priority}, but in line 2 ORG"
    with pytest.raises(InputError, match=message):
        Dictionary(words, "words.tsv", lambda text: text.replace("國", "国"))
    with pytest.raises(UsageError, match="'国航' is LOC with priority 0, but ORG with priority 0; keep one"):
        Dictionary([Word(0, "a", "LOC", 0), Word(0, "b", "ORG", 0)][::-1], "dictionary", lambda _text: "国航")


def test_a_word_may_be_repeated_with_the_same_meaning() -> None:
    words = [Word(line, "北京", "LOC", 0) for line in (1, 2, 3)]
    assert [tuple(match)[:2] for match in Dictionary(words, "words.tsv", str).matches("在北京")] == [(1, 3)]


def test_many_words_fit_into_the_memory_of_a_small_device() -> None:
    given_words = list(invented_words(40_000))
    tracemalloc.start()
    words = Dictionary(given_words, "words.tsv", str)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(words) == 40_000
    assert kept <= peak <= 40_000 * BYTES_PER_WORD
