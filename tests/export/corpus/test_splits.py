"""Labelled files become sentences, and what is wrong with a row is said with its file and line."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from edgener.tags import Span
from edgener_export.corpus.splits import Corpus, Sentence, read_corpus_file, read_lines
from edgener_export.errors import CorpusError

WANG_IN_BEIJING = Sentence("王小明在北京", (Span(0, 3, "PER"), Span(4, 6, "LOC")))
TAGGED = {
    "BIO": "王 B-PER\n小 I-PER\n明 I-PER\n在 O\n北 B-LOC\n京 I-LOC\n",
    "IOB1": "王 I-PER\n小 I-PER\n明 I-PER\n在 O\n北 I-LOC\n京 I-LOC\n",
    "BIOES": "王 B-PER\n小 I-PER\n明 E-PER\n在 O\n北 B-LOC\n京 E-LOC\n",
    "BMES": "王 B-PER\n小 M-PER\n明 E-PER\n在 O\n北 B-LOC\n京 E-LOC\n",
    "BILOU": "王 B-PER\n小 I-PER\n明 L-PER\n在 O\n北 B-LOC\n京 L-LOC\n",
    "tabs": "王\tB-PER\n小\tI-PER\n明\tI-PER\n在\tO\n北\tB-LOC\n京\tI-LOC\n",
    "CRLF": "王 B-PER\r\n小 I-PER\r\n明 I-PER\r\n在 O\r\n北 B-LOC\r\n京 I-LOC\r\n",
    "no final newline": "王 B-PER\n小 I-PER\n明 I-PER\n在 O\n北 B-LOC\n京 I-LOC",
    "empty lines around": "\n\n王 B-PER\n小 I-PER\n明 I-PER\n在 O\n北 B-LOC\n京 I-LOC\n\n\n",
}


def write(directory: Path, content: str | bytes, name: str = "data.txt") -> Path:
    """A file with some content."""
    path = directory / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("content", TAGGED.values(), ids=list(TAGGED))
def test_all_schemes_say_the_same(tmp_path: Path, content: str) -> None:
    assert read_corpus_file(write(tmp_path, content)) == [WANG_IN_BEIJING]


@pytest.mark.parametrize(
    ("content", "spans"),
    [
        ("明 I-PER\n在 O\n", [Span(0, 1, "PER")]),
        ("明 E-PER\n王 B-PER\n", [Span(0, 1, "PER"), Span(1, 2, "PER")]),
        ("王 B-PER\n李 B-PER\n", [Span(0, 1, "PER"), Span(1, 2, "PER")]),
        ("王 B-PER\n京 I-LOC\n", [Span(0, 1, "PER"), Span(1, 2, "LOC")]),
        ("王 S-PER\n李 S-PER\n明 I-PER\n", [Span(0, 1, "PER"), Span(1, 2, "PER"), Span(2, 3, "PER")]),
        ("Obama B-PER\n在 O\nNY U-LOC\n", [Span(0, 5, "PER"), Span(6, 8, "LOC")]),
        ("B B-B-TEAM\n队 I-B-TEAM\n", [Span(0, 2, "B-TEAM")]),
    ],
)
def test_cut_and_touching_names(tmp_path: Path, content: str, spans: list[Span]) -> None:
    (sentence,) = read_corpus_file(write(tmp_path, content))
    assert list(sentence.spans) == spans


def test_a_space_may_be_a_character(tmp_path: Path) -> None:
    assert read_corpus_file(write(tmp_path, "A O\n  O\nB O\n")) == [Sentence("A B", ())]


def test_json_lines(tmp_path: Path) -> None:
    rows = (
        '{"text": "王小明在北京", "entities": [{"start": 4, "end": 6, "label": "LOC"},'
        ' {"start": 0, "end": 3, "label": "PER"}]}\r\n\r\n{"text": "好", "entities": []}'
    )
    assert read_corpus_file(write(tmp_path, rows, "data.jsonl")) == [WANG_IN_BEIJING, Sentence("好", ())]


@pytest.mark.parametrize("row", ["王", "王B-PER", " B-PER", "王 X-PER", "王 B-", "王 B", "王 PER", "王 B-PER extra"])
def test_a_malformed_row_is_named_by_file_and_line(tmp_path: Path, row: str) -> None:
    path = write(tmp_path, f"好 O\n\n{row}\n")
    with pytest.raises(CorpusError) as caught:
        read_corpus_file(path)
    assert str(caught.value).startswith(f"{path}:3: expected a token, a blank or a tab, and a tag")


@pytest.mark.parametrize(
    "row",
    [
        "{",
        "[]",
        "1",
        '{"text": "王"}',
        '{"entities": []}',
        '{"text": 1, "entities": []}',
        '{"text": null, "entities": []}',
        '{"text": "王", "entities": null}',
        '{"text": "王", "entities": [1]}',
        '{"text": "王", "entities": [{"start": "a", "end": 1, "label": "PER"}]}',
        '{"text": "王", "entities": [{"start": 0, "label": "PER"}]}',
        '{"text": "王", "entities": [{"start": 0, "end": 2, "label": "PER"}]}',
        '{"text": "王", "entities": [{"start": -1, "end": 1, "label": "PER"}]}',
        '{"text": "王", "entities": [{"start": 1, "end": 1, "label": "PER"}]}',
    ],
)
def test_a_malformed_json_row_is_named_by_file_and_line(tmp_path: Path, row: str) -> None:
    path = write(tmp_path, f'{{"text": "", "entities": []}}\n{row}\n', "data.jsonl")
    with pytest.raises(CorpusError) as caught:
        read_corpus_file(path)
    assert str(caught.value).startswith(f"{path}:2: ")


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "a.txt", "holds no sentence"),
        (b"\n\n", "a.jsonl", "holds no sentence"),
        (b"\xff O\n", "a.txt", "1: is not UTF-8 at byte 0"),
        (b"no xz", "a.xz", "cannot be read"),
        (lzma.compress("好 O\n".encode())[:-9], "a.xz", "cannot be read"),
    ],
)
def test_a_file_without_sentences_is_named(tmp_path: Path, content: bytes, name: str, message: str) -> None:
    path = write(tmp_path, content, name)
    with pytest.raises(CorpusError) as caught:
        read_corpus_file(path)
    assert str(caught.value).replace(f"{path}:", "").strip().startswith(message)


@pytest.mark.parametrize("name", ["missing.txt", "missing.txt.xz", "."])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(CorpusError, match="cannot be read"):
        read_corpus_file(tmp_path / name)


def test_packed_text(tmp_path: Path) -> None:
    assert read_lines(write(tmp_path, lzma.compress("一\r\n二".encode()), "text.xz")) == ["一", "二"]


def test_labels_come_from_the_training_sentences_alone() -> None:
    team = Sentence("队", (Span(0, 1, "TEAM"),))
    assert Corpus([WANG_IN_BEIJING], [team], [team]).labels() == ("LOC", "PER")


def test_a_type_that_is_called_as_what_is_outside_of_entities_is_refused() -> None:
    marked = Sentence("王明", (Span(0, 2, "O"),))
    with pytest.raises(CorpusError, match=r"mine: has entities of the type O, .* under data\.types"):
        Corpus([WANG_IN_BEIJING, marked], [], []).verify_labels("mine", "mine", "mine")
