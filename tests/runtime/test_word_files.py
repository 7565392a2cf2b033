"""Files of words are read whatever an editor makes of them, and each fault is told by file, line and remedy."""

from __future__ import annotations

from codecs import BOM_UTF8, BOM_UTF16_LE
from pathlib import Path
from typing import Any

import pytest

from edgener.errors import InputError, UsageError
from edgener.word_files import Exclusion, Word, dictionary_words, excluded_texts

LABELS = ("LOC", "ORG", "PER")


def written(folder: Path, content: str | bytes) -> Path:
    """Return a file with this content."""
    path = folder / "words.tsv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("start", [b"", BOM_UTF8])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_words_are_read_with_any_line_end_and_with_a_byte_order_mark(
    tmp_path: Path, start: bytes, end: str, last: bool
) -> None:
    lines = f"鹿鸣山庄\tORG{end}{end}New York\tLOC\t9" + (end if last else "")
    path = written(tmp_path, start + lines.encode())
    assert list(dictionary_words(path, LABELS)) == [Word(1, "鹿鸣山庄", "ORG", 0), Word(3, "New York", "LOC", 9)]
    excluded = written(tmp_path, start + f"哈哈{end}长城\tORG{end}".encode())
    assert list(excluded_texts(str(excluded), LABELS)) == [Exclusion(1, "哈哈", ""), Exclusion(2, "长城", "ORG")]


def test_a_weight_makes_a_word_a_hint(tmp_path: Path) -> None:
    path = written(tmp_path, "长城\tLOC\t+4.5\n盒马\tO\t+12\n")
    assert list(dictionary_words(path, LABELS)) == [Word(1, "长城", "LOC", 0, 4.5), Word(2, "盒马", "O", 0, 12.0)]


def test_words_of_a_program_have_no_line() -> None:
    assert list(dictionary_words({"长城": "LOC"}, LABELS)) == [Word(0, "长城", "LOC", 0)]
    assert list(excluded_texts(["哈哈"], LABELS)) == [Exclusion(0, "哈哈", "")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("长城", "has 1 column; write word, tab, type"),
        ("长城 LOC", "has 1 column; write word, tab, type"),
        ("长城\tLOC\t1\t2", "has 4 columns; write word, tab, type"),
        ("\tLOC", "the word is empty"),
        (" \tLOC", "the word is empty"),
        ("长城 \tLOC", "'长城 ' begins or ends with white space; delete it"),
        ("长\x00城\tLOC", "holds a control character or a line break"),
        ("长城\rLOC\t\r", "holds a control character or a line break"),
        ("\u0301a\tLOC", "begins with a mark"),
        ("长" * 257 + "\tLOC", "the word has 257 characters; write at most 256"),
        ("长城\tGPE", "the type is 'GPE', which the model does not have; write LOC or ORG or PER or O"),
        ("长城\tloc", "the type is 'loc', which the model does not have"),
        ("长城\t", "the type is '', which the model does not have"),
        ("长城\tLOC\thigh", "the priority is 'high'; write a whole number from 0 to 9, or a weight"),
        ("长城\tLOC\t+0.0", "the priority is '+0.0'"),
        ("长城\tLOC\t+4.25", "the priority is '+4.25'"),
        ("长城\tLOC\t+100", "the priority is '+100'"),
        ("长城\tLOC\t+", "the priority is '+'"),
        ("长城\tLOC\t10", "the priority is '10'; write a whole number from 0 to 9"),
        ("长城\tLOC\t" + "9" * 5_000, "the priority is '9999"),
        ("长城\tLOC\t-1", "the priority is '-1'; write a whole number from 0 to 9"),
        ("长城\tLOC\t", "the priority is ''; write a whole number from 0 to 9"),
    ],
)
def test_a_faulty_line_of_a_dictionary_is_named_with_the_remedy(tmp_path: Path, line: str, message: str) -> None:
    path = written(tmp_path, f"北京\tLOC\n\n{line}\n上海\tLOC\n")
    with pytest.raises(InputError) as error:
        list(dictionary_words(path, LABELS))
    assert str(error.value).startswith(f"{path}: line 3: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("长城\tLOC\t1", "has 3 columns; write a text, and if need be a tab and a type"),
        ("长城\tGPE", "the type is 'GPE', which the model does not have"),
        ("长城\t", "the type is '', which the model does not have"),
        ("　长城", "begins or ends with white space"),
    ],
)
def test_a_faulty_line_of_exclusions_is_named_with_the_remedy(tmp_path: Path, line: str, message: str) -> None:
    path = written(tmp_path, f"北京\n{line}\n")
    with pytest.raises(InputError) as error:
        list(excluded_texts(path, LABELS))
    assert str(error.value).startswith(f"{path}: line 2: ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    "content", ["北京\tLOC\n长城\tLOC\n".encode("gb18030"), BOM_UTF16_LE + "北京\tLOC\n".encode("utf-16-le")]
)
def test_another_encoding_is_refused_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InputError, match=f"{path}: line 1: is not UTF-8; convert it, as: iconv -f gb18030"):
        list(dictionary_words(path, LABELS))


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing.tsv", "No such file or directory"), (".", "Is a directory"), ("a\0b", "embedded null byte")],
)
def test_a_file_that_cannot_be_read_is_named(name: str, reason: str) -> None:
    with pytest.raises(InputError) as error:
        list(dictionary_words(name, LABELS))
    assert str(error.value) == f"{name}: cannot be read: {reason}; check the path and the permissions"


@pytest.mark.parametrize(
    ("words", "message"),
    [({"": "LOC"}, "dictionary: the word is empty"), ({"长城": "GPE"}, "dictionary: the type is 'GPE'")],
)
def test_faulty_words_of_a_program_are_told(words: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        list(dictionary_words(words, LABELS))
    with pytest.raises(UsageError, match="exclude: the word is empty"):
        list(excluded_texts([""], LABELS))
    with pytest.raises(TypeError, match="exclude: expected words as str, got int"):
        list(excluded_texts([7], LABELS))  # type: ignore[list-item]


def test_a_priority_may_have_zeros_in_front(tmp_path: Path) -> None:
    path = written(tmp_path, "长城\tLOC\t05")
    assert list(dictionary_words(path, LABELS)) == [Word(1, "长城", "LOC", 5)]
