"""A dictionary finds every word wherever it stands, tells contradictions by line, and is small."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener import substring_hashes
from edgener.dictionary import LOOK_UPS_AT_ONCE, Dictionary
from edgener.errors import InputError, UsageError
from edgener.sorted_words import SEPARATOR, Meaning
from edgener.word_files import Word
from tests.support import TEXTS
from tools.dictionary_cost import names

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


def found_by(words: Dictionary, text: str) -> dict[tuple[int, int], Meaning]:
    """Return the meanings of the candidates that stand in a text, by start and end; each has a rank and a layer."""
    found = {}
    for rank, start, minus_end, layer, place in words.candidates(text, 3):
        meaning = words.words.meaning_at(place, text[start:-minus_end])
        if meaning:
            assert (rank, layer) == (-meaning.priority, 3)
            assert (start, -minus_end) not in found
            found[start, -minus_end] = meaning
    return found


def occurrences(words: Iterable[str], text: str) -> set[tuple[int, int]]:
    """Return start and end of every place of a text at which one of the words stands."""
    return {
        (at, at + len(word)) for word in words for at in range(len(text) + 1 - len(word)) if text.startswith(word, at)
    }


@given(ALPHABET | TEXTS, st.data())
def test_every_occurrence_of_every_word_is_found(text: str, data: st.DataObject) -> None:
    pieces = st.builds(lambda at, length: text[at : at + length], st.integers(0, len(text)), st.integers(1, 70))
    drawn = (pieces | st.text(max_size=4)).filter(lambda word: bool(word) and SEPARATOR not in word)
    words = data.draw(st.sets(drawn, max_size=12))
    assert found_by(dictionary(dict.fromkeys(words, "PER")), text).keys() == occurrences(words, text)


def test_words_of_every_length_up_to_the_longest_are_found() -> None:
    text = "".join(chr(0x4E00 + number) for number in range(256))
    words = {text[:length]: "PER" for length in range(1, 257)}
    assert sorted(found_by(dictionary(words), text + "王")) == [(0, length) for length in range(1, 257)]


def test_words_are_found_in_a_text_that_is_looked_up_in_many_steps() -> None:
    words = {"王小" * length: "PER" for length in range(1, 101)}
    text = "王小" * 2_000
    assert len(text) // 2 * len(words) > 4 * LOOK_UPS_AT_ONCE
    assert found_by(dictionary(words), text).keys() == occurrences(words, text)


def test_a_word_has_its_type_and_its_priority() -> None:
    words = dictionary({"王": "PER", "王府": "LOC", "府井": "ORG"}, [0, 3, 9])
    meanings = {(0, 1): Meaning("PER", 0), (0, 2): Meaning("LOC", 3), (1, 3): Meaning("ORG", 9)}
    assert found_by(words, "王府井") == meanings
    assert words.priorities == {0, 3, 9}


@pytest.mark.parametrize("length", range(2, 5))
def test_words_whose_hashes_are_the_same_are_told_apart(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    monkeypatch.setattr(substring_hashes, "BASE", 1)
    monkeypatch.setattr(substring_hashes, "INVERSE", 1)
    substring_hashes.powers.cache_clear()
    last = "龟龟龟龟龟"  # one whose hash is above all others
    words = {"".join(word): "PER" for word in [*permutations("王府井大街"[:length]), last]}
    text = f"王府井大街井府王大街{last}王府大井王"
    found = found_by(dictionary(words, range(10)), text)
    substring_hashes.powers.cache_clear()
    assert found.keys() == occurrences(words, text)
    assert all(meaning.priority == list(words).index(text[start:end]) % 10 for (start, end), meaning in found.items())


def test_a_dictionary_without_words_finds_nothing() -> None:
    assert found_by(dictionary({}), "王小明") == {}
    assert found_by(dictionary({"王小明": "PER"}), "") == {}
    assert dictionary({}).longest == 0


@pytest.mark.parametrize("other", [Word(7, "國航", "LOC", 0), Word(7, "國航", "ORG", 2)])
def test_a_word_that_means_two_things_is_told_with_both_lines(other: Word) -> None:
    words = [Word(2, "国航", "ORG", 0), Word(5, "北京", "LOC", 0), other]
    message = f"words.tsv: line 7: '国航' is {other.label} with priority {other.priority}, but in line 2 ORG"
    with pytest.raises(InputError, match=message):
        Dictionary(words, "words.tsv", lambda text: text.replace("國", "国"))
    words = [Word(0, "b", "ORG", 0), Word(0, "a", "LOC", 0)]
    with pytest.raises(UsageError, match="'国航' is LOC with priority 0, but ORG with priority 0; keep one"):
        Dictionary(words, "dictionary", lambda text: text.replace("a", "国航").replace("b", "国航"))


def test_a_word_may_be_repeated_with_the_same_meaning() -> None:
    words = Dictionary([Word(line, "北京", "LOC", 0) for line in (1, 2, 3)], "words.tsv", str)
    assert found_by(words, "在北京") == {(1, 3): Meaning("LOC", 0)}
    assert len(words.words) == 1


def test_many_words_fit_into_the_memory_of_a_small_device() -> None:
    given_words = list(names(40_000))
    tracemalloc.start()
    words = Dictionary(given_words, "words.tsv", str)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(words.words) == 40_000
    assert kept <= peak <= 40_000 * BYTES_PER_WORD
