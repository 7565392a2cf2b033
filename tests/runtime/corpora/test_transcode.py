"""Text files in any encoding are read as their text, and one in the wrong encoding is refused before any work."""

from __future__ import annotations

import gzip
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.corpora.inputs import CSV, JSONL, LINES, TSV
from edgener.corpora.parts import check_file, parts_of
from edgener.corpora.rows import NOT_UNICODE, Row, parse_rows
from edgener.corpora.settings import QUOTED, UNQUOTED, Settings
from edgener.corpora.transcode import as_utf_8
from edgener.errors import InputError
from tests.runtime.corpora.support import input_file

GB18030 = Settings(encoding="gb18030")
TEXT = "王小明在青山大学工作。\n李娜从上海飞往广州，“你认识赵丽英吗？”\n"


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(["gb18030", "utf-16", "utf-16-le", "utf-32", "utf-8"]),
    st.lists(st.integers(0, 99)),
)
def test_text_in_any_encoding_becomes_the_same_text_wherever_blocks_end(
    text: str, encoding: str, cuts: list[int]
) -> None:
    content = text.encode(encoding)
    places = sorted(cut % (len(content) + 1) for cut in cuts)
    blocks = [content[start:end] for start, end in pairwise([0, *places, len(content)])]
    assert b"".join(as_utf_8(blocks, encoding)).decode() == text


def test_each_byte_that_cannot_be_decoded_becomes_a_byte_that_is_never_utf_8() -> None:
    content = "王".encode("gb18030") + b"\xff\xff\nb\xc3"
    assert b"".join(as_utf_8([content], "gb18030")) == "王".encode() + b"\xff\xff\nb\xff"


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_rows_of_a_file_in_another_encoding_are_its_lines(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "in.txt").write_bytes(TEXT.encode(encoding))
    settings = Settings(encoding=encoding)
    file = input_file(tmp_path / "in.txt", LINES)
    assert check_file(file, settings) == ""
    (part,) = parts_of(file, settings)
    assert not isinstance(part.content, bytes)
    assert [row.content.decode() for row in part.content] == TEXT.splitlines()


@pytest.mark.parametrize("name", ["in.txt", "in.txt.gz"])
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_a_file_most_of_which_is_not_utf_8_is_refused(tmp_path: Path, encoding: str, name: str) -> None:
    content = TEXT.encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    for file_format in (LINES, JSONL, CSV):
        with pytest.raises(InputError, match=rf"{name}: is not UTF-8: .* as --encoding {encoding}"):
            check_file(input_file(tmp_path / name, file_format), Settings())


def test_a_file_that_is_not_utf_16_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"\xff\xfe\x00\xdc\x00\x00")
    with pytest.raises(InputError, match=r"in\.txt: is not utf-16: 2 of 2 characters beyond ASCII cannot be decoded"):
        check_file(input_file(tmp_path / "in.txt", LINES), Settings(encoding="utf-16"))


@pytest.mark.parametrize(
    ("encoding", "lone"),
    [("utf-16-le", b"\x41\xd8"), ("utf-16-be", b"\xd8\x41"), ("gb18030", b"\xff"), ("utf-8", b"\xff" * 40)],
    ids=["utf-16-le", "utf-16-be", "gb18030", "utf-8"],
)
@pytest.mark.parametrize("others", ["Washington.\n" * 9, "王小明在青山大学工作。\n" * 9], ids=["ascii", "chinese"])
def test_one_row_that_cannot_be_decoded_leaves_all_others_as_they_are(
    tmp_path: Path, encoding: str, lone: bytes, others: str
) -> None:
    row = "x".encode(encoding) + lone + "y\n".encode(encoding)
    (tmp_path / "in.txt").write_bytes(row + others.encode(encoding))
    file, settings = input_file(tmp_path / "in.txt", LINES), Settings(encoding=encoding)
    assert check_file(file, settings) == ""
    (part,) = parts_of(file, settings)
    assert not isinstance(part.content, bytes)
    mended = "x" + "\ufffd" * len(lone) + "y"
    first, *rest = parse_rows(part.content, LINES, (), settings)
    assert first == Row({"text": mended}, mended, NOT_UNICODE)
    assert [row.text for row in rest] == others.splitlines()
    assert not any(row.error for row in rest)


@pytest.mark.parametrize(("encoding", "named"), [("gb18030", "utf-16-le"), ("gb18030", "utf-8"), ("utf-8", "gb18030")])
def test_a_file_whose_text_is_not_in_the_encoding_that_was_named_is_refused(
    tmp_path: Path, encoding: str, named: str
) -> None:
    (tmp_path / "in.txt").write_bytes((TEXT * 300).encode(encoding))
    with pytest.raises(InputError, match=rf"in\.txt: is not (?i:{named}): .* cannot be decoded"):
        check_file(input_file(tmp_path / "in.txt", LINES), Settings(encoding=named))


def test_json_lines_that_are_read_as_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text('{"text": "王小明"}\n', encoding="utf-8")
    assert "in.txt: looks like JSON lines" in check_file(input_file(tmp_path / "in.txt", LINES), Settings())
    assert check_file(input_file(tmp_path / "in.txt", JSONL), Settings()) == ""


@pytest.mark.parametrize(
    ("content", "quotes", "is_told"),
    [
        ('n\ttext\n1\t"王小明\t"\n', None, False),
        ('n\ttext\n1\t"王小明"\r\n', None, True),
        ('"n"\t"text"\n', None, True),
        ('n\ttext\n1\t他说"好"\n', None, False),
        ('n\ttext\n1\t"王小明"\n', QUOTED, False),
        ('n\ttext\n1\t"王小明"\n', UNQUOTED, False),
    ],
)
def test_quotes_around_fields_of_tsv_are_told_unless_it_was_said_what_they_are(
    tmp_path: Path, content: str, quotes: str | None, is_told: bool
) -> None:
    (tmp_path / "in.tsv").write_text(content, encoding="utf-8", newline="")
    settings = Settings(quotes=quotes, text_field=content.split()[1])
    told = check_file(input_file(tmp_path / "in.tsv", TSV), settings)
    assert told == (
        f"{tmp_path}/in.tsv: holds fields in quotes, which are read as text; see --quotes" if is_told else ""
    )


def test_the_header_of_csv_is_read_in_its_encoding(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes("正文,名\n王小明,1\n".encode("gb18030"))
    settings = Settings(encoding="gb18030", text_field="正文")
    file = input_file(tmp_path / "in.csv", CSV)
    check_file(file, settings)
    (part,) = parts_of(file, settings)
    assert part.header == ("正文", "名")
    with pytest.raises(InputError, match="has no column 'text', but 正文, 名"):
        check_file(file, GB18030)
