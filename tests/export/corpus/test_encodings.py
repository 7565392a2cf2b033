"""Labelled files in any encoding that is named, and a refusal with file, line and remedy for any other."""

from __future__ import annotations

import codecs
import gzip
import json
from pathlib import Path

import pytest

from edgener.tags import Span
from edgener_export.cli.main import main
from edgener_export.corpus.reading import read_labelled
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.text_file import read_lines
from edgener_export.errors import CorpusError

SENTENCE = Sentence("王小明在京", (Span(0, 3, "PER"), Span(4, 5, "LOC")))
TAGGED = "王 B-PER\r\n小 I-PER\r\n明 I-PER\r\n在 O\r\n京 B-LOC\r\n"
ROW = {"text": SENTENCE.text, "entities": [list(span) for span in SENTENCE.spans]}
JSON = json.dumps(ROW, ensure_ascii=False) + "\n"
by_content = pytest.mark.parametrize("content", [TAGGED, JSON], ids=["bio", "jsonl"])


@by_content
@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("gbk", b""),
        ("gb18030", b""),
        ("GB2312", b""),
        ("gb18030", "\ufeff".encode("gb18030")),
        ("utf-16", b""),
        ("utf-16-le", b""),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32", b""),
    ],
)
def test_the_encoding_that_is_named_is_read(tmp_path: Path, content: str, encoding: str, mark: bytes) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes(mark + content.encode(encoding))
    reading = read_labelled(path, encoding=encoding)
    assert reading.sentences == [SENTENCE]
    assert reading.troubles == []


@by_content
@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("gb18030", "data.txt:1: is not UTF-8 at byte .*--encoding gb18030"),
        ("utf-16", "data.txt:1: starts with the byte order mark of UTF-16; add --encoding utf-16"),
        ("utf-32", "data.txt:1: starts with the byte order mark of UTF-32; add --encoding utf-32"),
        ("utf-16-le", "data.txt:1: .*--encoding"),
        ("utf-16-be", "data.txt:1: .*--encoding"),
    ],
)
def test_another_encoding_is_refused_with_the_remedy(tmp_path: Path, content: str, encoding: str, message: str) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes(content.encode(encoding))
    with pytest.raises(CorpusError, match=message):
        read_labelled(path)


@pytest.mark.parametrize("encoding", ["utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("row", ["I B-ORG\n", '{"text": "I", "entities": []}\n'], ids=["bio", "jsonl"])
def test_utf_32_without_a_mark_is_refused(tmp_path: Path, encoding: str, row: str) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes(row.encode(encoding))
    with pytest.raises(CorpusError, match=f"data.txt:1: half of the bytes are zero, .*--encoding {encoding}"):
        read_labelled(path)
    assert read_labelled(path, encoding=encoding).sentences[0].text == "I"


def test_a_text_whose_encoding_nobody_can_name_is_to_be_converted(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes("王明".encode("gb18030"))
    with pytest.raises(
        CorpusError, match=r"names.txt:1: is not UTF-8 .*; convert it, as: iconv -f gb18030 .*names.txt"
    ):
        read_lines(path)
    path.write_bytes("王明".encode("utf-16"))
    with pytest.raises(CorpusError, match=r"names.txt:1: starts .*UTF-16; convert it, as: iconv -f utf-16 "):
        read_lines(path)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_that_happens_to_be_utf_8_is_refused(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes("I B-ORG\nB I-ORG\nM I-ORG\n".encode(encoding))
    with pytest.raises(CorpusError, match=f"data.txt:1: every second byte is zero, .*--encoding {encoding}"):
        read_labelled(path)
    assert read_labelled(path, encoding=encoding).sentences[0].text == "IBM"


def test_the_line_of_the_first_bad_bytes_is_named_in_any_encoding(tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes("王 O\n明 O\n".encode() + b"\xff O\n")
    with pytest.raises(CorpusError, match=r"data.txt:3: is not UTF-8 at byte 12;"):
        read_labelled(path)
    path.write_bytes("王 O\n明 O\n".encode("gb18030") + b"\xff O\n")
    with pytest.raises(CorpusError, match=r"data.txt:3: is not gb18030 at byte 10;"):
        read_labelled(path, encoding="gb18030")
    path.write_bytes("王 O\n明 O\n".encode("utf-16-le") + b"\x00\xd8")
    with pytest.raises(CorpusError, match=r"data.txt:3: is not utf-16-le at byte 16;"):
        read_labelled(path, encoding="utf-16-le")


@pytest.mark.parametrize("name", ["klingon", "hex", "rot13", "", "utf-8\x00"])
def test_a_name_that_is_no_encoding_of_text_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "data.txt"
    path.write_text(TAGGED, encoding="utf-8")
    with pytest.raises(CorpusError, match="is unknown; Chinese text is utf-8, gb18030"):
        read_labelled(path, encoding=name)


def test_the_commands_take_an_encoding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes(TAGGED.encode("gb18030"))
    assert main(["convert", str(path), str(tmp_path / "out.jsonl")]) == 32
    assert "data.txt:1: is not UTF-8" in capsys.readouterr().err
    assert main(["convert", str(path), str(tmp_path / "out.jsonl"), "--encoding", "gb18030"]) == 0
    assert read_labelled(tmp_path / "out.jsonl").sentences == [SENTENCE]
    assert main(["data", str(path), "--encoding", "gb18030", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entities"] == {"LOC": 1, "PER": 1}


def test_a_row_of_a_byte_order_mark_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_text("\ufeff O\n京 B-LOC\n", encoding="utf-8")
    assert read_labelled(path).sentences == [Sentence("\ufeff京", (Span(1, 2, "LOC"),))]


def test_lines_end_with_lf_or_crlf_alone(tmp_path: Path) -> None:
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress("一\r\n二\u2028\x85三\r四\n五\r".encode()))
    assert read_lines(path) == ["一", "二\u2028\x85三\r四", "五\r"]
    path.write_bytes(gzip.compress("一\n".encode()))
    assert read_lines(path) == ["一", ""]
    path.write_bytes(gzip.compress(b"")[:-4])
    with pytest.raises(CorpusError, match=r"text.gz: cannot be read"):
        read_lines(path)


@pytest.mark.parametrize(("named", "written"), [("gbk", "gb18030"), ("gb2312", "gb18030"), ("big5", "cp950")])
def test_rare_characters_are_read_from_files_that_are_called_by_a_smaller_encoding(
    named: str, written: str, tmp_path: Path
) -> None:
    character = "恒" if named == "big5" else "\U00020000"
    path = tmp_path / "data.txt"
    path.write_bytes(f"{character} B-ORG\n生 I-ORG\n".encode(written))
    (sentence,) = read_labelled(path, encoding=named).sentences
    assert sentence.text == f"{character}生"
