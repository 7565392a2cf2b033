"""Labelled files in every format: read as they are meant, refused with file and line, written without loss."""

from __future__ import annotations

import itertools
import json
import lzma
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.tags import Span
from edgener_export.corpus.formats import FORMATS
from edgener_export.corpus.labelled_file import LEFT_OUT, Trouble
from edgener_export.corpus.reading import Reading, read_labelled
from edgener_export.corpus.schemes import FILE_SCHEMES
from edgener_export.corpus.sentence import Sentence
from edgener_export.errors import CorpusError

WANG = Sentence("王小明在京", (Span(0, 3, "PER"), Span(4, 5, "LOC")))


def read(directory: Path, content: str | bytes, format_name: str = "auto", name: str = "data.txt") -> Reading:
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_labelled(path, format_name)


def written(sentences: list[Sentence], format_name: str, directory: Path) -> Path:
    path = directory / f"written.{format_name}"
    write = FORMATS[format_name].write
    assert write is not None
    write(sentences, path)
    return path


@pytest.mark.parametrize(
    ("scheme", "rows"),
    [
        ("bio", "王 B-PER\n小 I-PER\n明 I-PER\n在 O\n京 B-LOC\n"),
        ("iob1", "王 I-PER\n小 I-PER\n明 I-PER\n在 O\n京 I-LOC\n"),
        ("bioes", "王 B-PER\n小 I-PER\n明 E-PER\n在 O\n京 S-LOC\n"),
        ("bmes", "王 B-PER\n小 M-PER\n明 E-PER\n在 O\n京 S-LOC\n"),
        ("bilou", "王 B-PER\n小 I-PER\n明 L-PER\n在 O\n京 U-LOC\n"),
        ("weibo", "王0\tB-PER\n小0\tI-PER\n明1\tI-PER\n在0\tO\n京10\tB-LOC\n"),
    ],
)
def test_tagged_files_are_recognized_by_their_content(tmp_path: Path, scheme: str, rows: str) -> None:
    for content in (rows, rows.replace("\n", "\r\n"), rows.replace(" ", "\t"), "\ufeff" + rows, rows + "\n\n" + rows):
        for named in ("auto", scheme):
            reading = read(tmp_path, content, named)
            assert reading.format == scheme
            assert set(reading.sentences) == {WANG}
            assert reading.troubles == []


def test_iob1_marks_only_the_second_of_two_touching_names(tmp_path: Path) -> None:
    reading = read(tmp_path, "中 I-LOC\n美 B-LOC\n王 I-PER\n")
    assert reading.format == "iob1"
    assert reading.sentences[0].spans == (Span(0, 1, "LOC"), Span(1, 2, "LOC"), Span(2, 3, "PER"))


def test_conll_2003_with_four_columns_and_document_lines(tmp_path: Path) -> None:
    reading = read(tmp_path, "-DOCSTART- -X- -X- O\n\n北 NN I-NP I-LOC\n京 NN I-NP I-LOC\n\n好 JJ I-NP O\n")
    assert [sentence.text for sentence in reading.sentences] == ["北京", "好"]
    assert reading.lines == [3, 6]
    assert reading.sentences[0].spans == (Span(0, 2, "LOC"),)


def test_tokens_may_be_longer_than_a_character_or_a_space(tmp_path: Path) -> None:
    reading = read(tmp_path, "在 O\n  O\nIBM B-ORG\n公司 I-ORG\n")
    assert reading.sentences == [Sentence("在 IBM公司", (Span(2, 7, "ORG"),))]


def test_weibo_keeps_its_types_and_survives_torn_emoji(tmp_path: Path) -> None:
    content = "许0\tB-PER.NAM\n坚1\tI-PER.NAM\n".encode() + b"\xed\xa00\tO\n" + "爸0\tB-PER.NOM\n".encode()
    with pytest.raises(CorpusError, match=r"data\.txt:3: is not UTF-8 at byte 30; .*name the format weibo"):
        read(tmp_path, content)
    reading = read(tmp_path, content, "weibo")
    assert reading.sentences == [Sentence("许坚\ufffd爸", (Span(0, 2, "PER.NAM"), Span(3, 4, "PER.NOM")))]


def test_cluener_ends_belong_to_the_name(tmp_path: Path) -> None:
    row = {
        "text": "浙商银行企业信贷部叶老桂博士",
        "label": {"name": {"叶老桂": [[9, 11]]}, "company": {"浙商银行": [[0, 3]]}},
    }
    reading = read(tmp_path, json.dumps(row, ensure_ascii=False) + "\n", name="train.json")
    assert reading.format == "cluener"
    assert reading.sentences[0].spans == (Span(0, 4, "company"), Span(9, 12, "name"))


def test_cluener_keeps_the_longest_of_overlapping_names_and_says_so(tmp_path: Path) -> None:
    row = {"text": "北京大学", "label": {"address": {"北京": [[0, 1]]}, "organization": {"北京大学": [[0, 3]]}}}
    reading = read(tmp_path, "\n" + json.dumps(row))
    assert reading.sentences[0].spans == (Span(0, 4, "organization"),)
    assert reading.troubles == [Trouble(2, "address '北京' overlaps a longer name and is left out", LEFT_OUT)]


def test_packed_files(tmp_path: Path) -> None:
    assert read(tmp_path, lzma.compress("京 S-LOC\n".encode()), name="a.xz").sentences[0].text == "京"


@pytest.mark.parametrize(
    ("content", "format_name", "message"),
    [
        ("", "auto", "data.txt: holds no sentence"),
        ("\n \n", "auto", "holds no sentence"),
        ("\n[\n]\n", "auto", "data.txt: holds no sentence"),
        ("京 B-LOC\n城\n", "auto", "data.txt:2: expected a token.*there is one column"),
        ("京 B-LOC\n城 \n", "auto", "data.txt:2: expected a token"),
        ("京 B-LOC\n城 X-LOC\n", "auto", "data.txt:2: expected .*: unknown tag 'X-LOC'"),
        ("京 B-LOC\n城 B\n", "auto", "data.txt:2: expected .*: unknown tag 'B'"),
        ("京 B-LOC\n城 B-\n", "auto", "data.txt:2: expected .*: unknown tag 'B-'"),
        ("京 B-LOC\n城 M-LOC\n的 L-LOC\n", "auto", "data.txt:3: tag L-LOC does not go with .*B, M"),
        ("京 B-LOC\n城 E-LOC\n", "bio", "data.txt:2: tag E-LOC does not belong to the scheme bio"),
        ("京0 B-LOC\n城 I-LOC\n", "weibo", "data.txt:2: expected a character and a digit"),
        ("京 B-LOC\n", "xml", "format 'xml' is unknown; known: auto, .*jsonl"),
        ("京 O\n\xe4 O\n".encode("latin-1", "replace"), "auto", "data.txt:2: is not UTF-8 at byte 4"),
        ('{"text": "京"}', "auto", "data.txt:1: expected .*entities"),
        ('{"text": "京", "entities": []}\n{"text": 1, "entities": []}', "jsonl", "data.txt:2: expected"),
        (
            '{"text": "京", "entities": [{"start": 0, "end": 2, "label": "LOC"}]}',
            "auto",
            "data.txt:1: LOC at 0 to 2 .*leaves the text",
        ),
        (
            '{"text": "京", "entities": [{"start": 0, "end": 0, "label": "LOC"}]}',
            "auto",
            "data.txt:1: LOC at 0 to 0 is empty",
        ),
        ('{"text": "京", "entities": [{"start": "0", "end": 1, "label": "LOC"}]}', "auto", "whole numbers"),
        ('{"text": "京", "entities": [{"start": 0, "end": 1, "label": ""}]}', "auto", "no entity type"),
        ('{"text": "京", "entities": [{"start": 0, "end": 1, "label": "L", "text": "城"}]}', "auto", "does not stand"),
        ('{"text": "京城", "label": {"address": {"城": [[0, 0]]}}}', "auto", "data.txt:1: .*does not stand"),
        ('{"text": "京城", "label": {"address": {"城": [0]}}}', "cluener", "data.txt:1: expected .*label"),
        ('{"text": "京城", "label": []}', "cluener", "data.txt:1: expected .*label"),
        ("[1]", "jsonl", "data.txt:1: expected"),
    ],
)
def test_malformed_files_are_refused_with_file_and_line(
    tmp_path: Path, content: str | bytes, format_name: str, message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, content, format_name)


def test_a_json_file_of_another_kind_is_not_taken_for_tagged_text(tmp_path: Path) -> None:
    for name in ("a.json", "a.jsonl"):
        for content in ('[\n{"sentence": "京", "entities": []}]', "京 O\n", "{\n", '{"a": 1}\n'):
            with pytest.raises(CorpusError, match=r'a\.jsonl?:1: expected {"text".*--from NAME'):
                read(tmp_path, content, name=name)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="cannot be read"):
        read_labelled(tmp_path / "missing.txt")
    with pytest.raises(CorpusError, match="cannot be read"):
        read(tmp_path, b"no archive", name="data.xz")


@pytest.mark.parametrize(
    ("scheme", "rows", "spans", "troubles"),
    [
        ("bmes", "明 E-PER\n在 O", [(0, 1)], [(1, "E-PER at the start: the name has no beginning")]),
        ("bmes", "王 B-PER\n在 O", [(0, 1)], [(2, "O after B-PER: the name has no end")]),
        ("bmes", "王 B-PER\n小 M-PER", [(0, 2)], [(2, "the end after M-PER: the name has no end")]),
        ("bioes", "王 B-PER\n京 E-LOC", [(0, 1), (1, 2)], [(2, "E-LOC after B-PER: the name has no end")]),
        ("bio", "在 O\n小 I-PER", [(1, 2)], [(2, "I-PER after O: the name has no beginning")]),
        ("bio", "王 B-PER\n京 I-LOC", [(0, 1), (1, 2)], [(2, "I-LOC after B-PER: the name has no beginning")]),
        ("iob1", "在 O\n王 B-PER", [(1, 2)], [(2, "B-PER after O: nothing of its type to be kept apart from")]),
    ],
)
def test_broken_sequences_are_read_as_meant_and_listed(
    tmp_path: Path, scheme: str, rows: str, spans: list[tuple[int, int]], troubles: list[tuple[int, str]]
) -> None:
    reading = read(tmp_path, rows, scheme)
    assert [(span.start, span.end) for span in reading.sentences[0].spans] == spans
    assert [(trouble.line, trouble.reason) for trouble in reading.troubles] == troubles


@given(st.lists(st.sampled_from(["O", *(f"{prefix}-{label}" for prefix in "BIMESLU" for label in "xy")]), min_size=1))
def test_any_tags_become_spans_in_order(tmp_path_factory: pytest.TempPathFactory, tags: list[str]) -> None:
    directory = tmp_path_factory.mktemp("tags")
    content = "".join(f"字 {tag}\n" for tag in tags)
    for scheme in FILE_SCHEMES:
        if all(tag == "O" or tag[0] in FILE_SCHEMES[scheme].prefixes for tag in tags):
            reading = read(directory, content, scheme)
            (sentence,) = reading.sentences
            assert {position for span in sentence.spans for position in range(span.start, span.end)} == {
                position for position, tag in enumerate(tags) if tag != "O"
            }
            assert all(a.end <= b.start for a, b in itertools.pairwise(sentence.spans))
            rewritten = written([sentence], scheme, directory).read_text(encoding="utf-8").split()
            assert bool(reading.troubles) == (rewritten[1::2] != tags)


LEFT_OPEN = Sentence("王小明在京", (Span(0, 3, "PER"),), ignored=((4, 5),), category="cities")


def test_json_lines_keep_ignored_ranges_and_the_category(tmp_path: Path) -> None:
    assert read_labelled(written([LEFT_OPEN, WANG], "jsonl", tmp_path)).sentences == [LEFT_OPEN, WANG]


@pytest.mark.parametrize(
    "wrong", ["[[4, 6]]", "[[4, 4]]", "[[-1, 2]]", "[[4]]", "[4, 5]", '[["4", 5]]', "7", "[[true, 2]]"]
)
def test_ignored_ranges_that_leave_the_text_or_are_none_are_refused_by_line(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(CorpusError, match=r"data\.txt:1: "):
        read(tmp_path, f'{{"text": "王小明在京", "entities": [], "ignore": {wrong}}}\n', "jsonl")


@pytest.mark.parametrize("name", [name for name, known in FORMATS.items() if known.write and name != "jsonl"])
def test_other_formats_refuse_to_lose_ignored_ranges_and_categories(tmp_path: Path, name: str) -> None:
    for sentence, what in ((LEFT_OPEN, "ignored ranges"), (replace(LEFT_OPEN, ignored=()), "a category")):
        with pytest.raises(CorpusError, match=f"sentence 1 has {what}, which .* cannot hold; convert to jsonl"):
            written([sentence], name, tmp_path)
