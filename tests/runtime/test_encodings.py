"""Files in other encodings, and files that are no text: the right answer, or a refusal that names the remedy."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path

import pytest

from edgener.encodings import Inspection, _is_json_object, known_encoding
from edgener.errors import InputError, UsageError
from tests.support import run_tiny

TEXT = "王小明在青山大学工作。"
NAMES = [("王小明", 0, 3), ("青山大学", 4, 8)]
REMEDY = "name its encoding, as --encoding gb18030 or --encoding utf-16"


def found(row: dict[str, list[dict[str, object]]]) -> list[tuple[object, object, object]]:
    """Text and offsets of the entities of a row of output."""
    return [(entity["text"], entity["start"], entity["end"]) for entity in row["entities"]]


def written(tmp_path: Path, content: bytes) -> str:
    """The path of a file with this content."""
    path = tmp_path / "text"
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb2312", "gb18030", "utf-16", "utf-16-be", "big5"])
def test_offsets_are_those_of_the_decoded_line(encoding: str, tmp_path: Path) -> None:
    text = "王小明在東山大學工作。" if encoding == "big5" else TEXT
    path = written(tmp_path, f"{text}\r\n{text}\n".encode(encoding))
    expected = run_tiny("--file", "-", stdin=f"{text}\n{text}\n".encode()).rows
    rows = run_tiny("--file", path, "--encoding", encoding).rows
    assert [row["entities"] for row in rows] == [row["entities"] for row in expected]
    assert found(rows[0])[0] == NAMES[0]


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    content = f"{TEXT}\n".encode("utf-8-sig")
    for finished in (run_tiny("--file", written(tmp_path, content)), run_tiny(stdin=content)):
        assert finished.errors == ""
        assert [found(row) for row in finished.rows] == [NAMES]


def test_a_rare_character_of_gb18030_is_read_from_a_file_that_is_called_gbk(tmp_path: Path) -> None:
    path = written(tmp_path, "王𠮷".encode("gb18030"))
    assert run_tiny("--encoding", "gbk", "--format", "text", "--file", path).output.decode().count("𠮷") == 1


def test_the_characters_that_windows_adds_to_big5_are_read(tmp_path: Path) -> None:
    text = "王小明在恒生銀行裏工作。"
    finished = run_tiny("--file", written(tmp_path, text.encode("cp950")), "--encoding", "big5")
    assert finished.code == 0
    assert ("王小明", 0, 3) in found(finished.rows[0])


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-16-le", "big5"])
@pytest.mark.parametrize("repeat", [1, 3000])
def test_a_file_in_another_encoding_is_refused_with_the_remedy(encoding: str, repeat: int, tmp_path: Path) -> None:
    content = ("王小明在青山大學工作。\n" * repeat).encode(encoding)
    for finished in (run_tiny("--file", written(tmp_path, content)), run_tiny(stdin=content)):
        assert finished.code == 3
        *_, message = finished.errors.splitlines()
        assert ": is not UTF-8: " in message
        assert message.endswith("name its encoding, as --encoding utf-16" if encoding == "utf-16" else REMEDY)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["George Bush in Washington.\n", "王小明在 New York 的 Columbia University 工作。\n"])
def test_a_file_in_utf_16_is_refused_before_anything_is_answered(encoding: str, text: str, tmp_path: Path) -> None:
    finished = run_tiny("--file", written(tmp_path, text.encode(encoding)))
    assert (finished.code, finished.output) == (3, b"")
    assert "is not UTF-8: " in finished.errors
    assert "--encoding utf-16" in finished.errors


def test_a_few_bytes_that_are_not_utf8_are_kept_with_a_warning(tmp_path: Path) -> None:
    path = written(tmp_path, f"{TEXT}\n".encode() + b"\xff\xfe" * 5 + b"\n")
    finished = run_tiny("--file", path, "--format", "text")
    assert finished.code == 0
    assert finished.output.endswith(b"\xff\xfe" * 5 + b"\n")
    assert finished.errors == f"edgener: {path}: holds bytes that are not UTF-8; they are kept as they are\n"


def test_bytes_that_are_not_in_the_named_encoding_are_refused(tmp_path: Path) -> None:
    finished = run_tiny("--encoding", "gb18030", "--file", written(tmp_path, b"\xff\xff\n"))
    assert finished.code == 3
    assert "is not gb18030: illegal multibyte sequence" in finished.errors
    finished = run_tiny("--encoding", "utf-16", "--file", written(tmp_path, "王\n".encode("utf-16-le")))
    assert finished.code == 3
    assert "is not utf-16: UTF-16 stream does not start with BOM" in finished.errors


@pytest.mark.parametrize("name", ["klingon", "base64", "", "a\0b"])
def test_an_unknown_encoding_is_a_wrong_argument(name: str) -> None:
    finished = run_tiny("--encoding", name, TEXT)
    assert finished.code == 2
    assert "known are utf-8, gb18030" in finished.errors


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(TEXT.encode()), "is compressed; decompress it: zcat FILE | edgener"),
        (lzma.compress(TEXT.encode()), "is compressed; decompress it: xzcat FILE | edgener"),
        (bz2.compress(TEXT.encode()), "is compressed; decompress it: bzcat FILE | edgener"),
        (b"\x28\xb5\x2f\xfd" + bytes(range(40)), "is compressed; decompress it: zstdcat FILE | edgener"),
        (b"PK\x03\x04" + bytes(40), "is a ZIP archive or an office document, not text"),
        (b"%PDF-1.7\n", "is a PDF, not text"),
    ],
    ids=["gzip", "xz", "bzip2", "zstd", "zip", "pdf"],
)
def test_a_file_that_is_no_text_is_refused_with_the_remedy(content: bytes, message: str, tmp_path: Path) -> None:
    finished = run_tiny("--file", written(tmp_path, content))
    assert (finished.code, finished.output) == (3, b"")
    assert message in finished.errors


def test_json_lines_are_searched_as_they_are_with_a_warning(tmp_path: Path) -> None:
    line = json.dumps({"text": TEXT}, ensure_ascii=False)
    path = written(tmp_path, f"{line}\n{line}\n".encode())
    finished = run_tiny("--file", path)
    assert finished.code == 0
    assert finished.errors.count("looks like JSON lines") == 1
    hint = (
        "each line is searched as it is, braces and escapes included; extract the text first, for example: jq -r .text"
    )
    assert finished.errors == f"edgener: {path}: looks like JSON lines, but {hint} FILE | edgener\n"
    assert run_tiny("--file", written(tmp_path, "{王小明}\n".encode())).errors == ""


def test_a_text_that_is_the_name_of_a_file_is_searched_with_a_hint(tmp_path: Path) -> None:
    path = written(tmp_path, b"")
    finished = run_tiny(path, TEXT)
    assert finished.code == 0
    assert [row["line"] for row in finished.rows] == [1, 2]
    hint = f"{path}: is searched as text, although a file of that name exists; to read it: edgener --file {path}"
    assert finished.errors == f"edgener: {hint}\n"


def test_only_the_first_characters_of_a_file_show_that_it_is_compressed() -> None:
    inspection = Inspection("file", "utf-8")
    inspection.add("")
    with pytest.raises(InputError, match="file: is compressed"):
        inspection.add("BZh91AY&SY")
    inspection = Inspection("file", "utf-8")
    inspection.add("a")
    inspection.add("BZh91AY&SY")
    assert inspection.warning == ""


def test_a_file_is_refused_once_more_than_half_of_sixteen_characters_cannot_be_decoded() -> None:
    inspection = Inspection("file", "utf-8")
    inspection.add("\udc80" * 8)
    with pytest.raises(InputError, match="is not UTF-8: 9 of 16 characters beyond ASCII"):
        inspection.add("ab\udc80" + "王" * 7)


def test_a_file_of_which_half_can_be_decoded_is_kept() -> None:
    inspection = Inspection("file", "utf-8")
    inspection.add("\udc80" * 8)
    inspection.add("王" * 8)
    inspection.end()
    assert inspection.warning == "file: holds bytes that are not UTF-8; they are kept as they are"


@pytest.mark.parametrize("row", ["\udcff", "\udcff" * 40], ids=["byte", "row"])
def test_a_row_that_cannot_be_decoded_does_not_condemn_a_file_of_ascii(row: str) -> None:
    inspection = Inspection("file", "utf-8")
    inspection.add(f"George Bush\n{row}\nin Washington\n")
    inspection.end()
    assert inspection.warning == "file: holds bytes that are not UTF-8; they are kept as they are"


def test_a_single_byte_says_nothing_of_a_file() -> None:
    inspection = Inspection("file", "utf-8")
    inspection.add("caf\udce9")
    inspection.end()
    inspection.add("\n\udce9")
    with pytest.raises(InputError, match="file: is not UTF-8: 2 of 2 characters beyond ASCII"):
        inspection.end()


def test_only_utf8_is_judged_by_what_cannot_be_decoded() -> None:
    inspection = Inspection("file", "gb18030")
    inspection.add("\udc80" * 20)
    inspection.end()
    assert inspection.warning == ""


@pytest.mark.parametrize("text", ["BZhang Wei在北京。", "BZh9是文件头。", "%PDF-文件格式"])
def test_text_that_begins_as_other_files_do_is_text(text: str) -> None:
    inspection = Inspection("file", "utf-8")
    inspection.add(text)
    inspection.end()
    assert inspection.warning == ""


def test_a_pipe_is_judged_by_four_lines_or_at_its_end_and_a_file_by_its_first() -> None:
    bad, good = "\udcff" * 20 + "\n", "王小明" * 7 + "\n"
    with pytest.raises(InputError, match="file: is not UTF-8"):
        Inspection("file", "utf-8").add(bad)
    log = Inspection("log", "utf-8", is_pipe=True)
    for line in (bad, *[good] * 6):
        log.add(line)
    log.end()
    log = Inspection("log", "utf-8", is_pipe=True)
    for line in (bad, bad, bad):
        log.add(line)
    with pytest.raises(InputError, match="log: is not UTF-8"):
        log.add(bad)
    log = Inspection("log", "utf-8", is_pipe=True)
    log.add(bad)
    with pytest.raises(InputError, match="log: is not UTF-8"):
        log.end()


@pytest.mark.parametrize("start", ["PK\x03\x04", "%PDF-"])
def test_the_start_of_another_kind_of_file_is_refused_by_name(start: str) -> None:
    kind = {"PK\x03\x04": "a ZIP archive or an office document", "%PDF-": "a PDF"}[start]
    with pytest.raises(InputError) as raised:
        Inspection("report", "utf-8").add(f"{start}1.7\n")
    assert str(raised.value) == f"report: is {kind}, not text; extract its text first"


@pytest.mark.parametrize(
    ("text", "is_warned"),
    [
        ('{"text": "王"}\n{"text": "李"}\n', True),
        ('{"text": "王"}\nno JSON', True),
        ('{"text": "王"', False),
        ("{王}\n", False),
        ('["王"]\n', False),
        ('"王"\n', False),
    ],
    ids=["two-objects", "first-line", "cut-object", "braces", "list", "string"],
)
def test_a_file_whose_first_line_is_a_json_object_gets_a_hint(text: str, is_warned: bool) -> None:
    inspection = Inspection("rows", "utf-8")
    inspection.add(text)
    hint = (
        "rows: looks like JSON lines, but each line is searched as it is, braces and escapes included; extract the "
        "text first, for example: jq -r .text FILE | edgener"
    )
    assert inspection.warning == (hint if is_warned else "")


@pytest.mark.parametrize(
    ("name", "decoder"),
    [
        ("UTF8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("GBK", "gb18030"),
        ("gb2312", "gb18030"),
        ("utf-16", "utf-16"),
        ("big5", "cp950"),
    ],
)
def test_an_encoding_is_known_by_any_of_its_names_and_read_by_the_larger_one(name: str, decoder: str) -> None:
    assert known_encoding(name) == decoder


def test_an_unknown_encoding_is_told_with_some_that_are_known() -> None:
    with pytest.raises(UsageError) as raised:
        known_encoding("klingon")
    assert str(raised.value) == "--encoding is 'klingon'; known are utf-8, gb18030, utf-16, big5 and others"


def test_a_first_line_that_is_nested_too_deeply_is_no_json_object() -> None:
    assert not _is_json_object('{"text":"x","x":' + "[" * 100_000)
