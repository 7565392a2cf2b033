"""Lines leave the reader as soon as they have arrived, in bounded pieces, and no byte is lost."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgener import line_reader as documents
from edgener.line_reader import line_groups, whole_file
from tests.support import temporary_input

PIECES = [b"\n", b"\r\n", b"\r", "王".encode(), "王".encode()[:2], b"\xff", b"\0", BOM_UTF8, BOM_UTF8[:2]]
BYTES = st.lists(st.binary(max_size=8) | st.sampled_from(PIECES), max_size=20).map(b"".join)


def nothing(*_: object) -> None:
    """Nobody wants to know."""


def expected_lines(content: bytes) -> list[str]:
    """The lines that the documentation promises for a file in UTF-8, by the shortest code that gives them."""
    return lines_of(content.removeprefix(BOM_UTF8).decode("utf-8", "surrogateescape"))


def lines_of(text: str) -> list[str]:
    """Lines that end with LF or CRLF, the last one also without."""
    lines = text.split("\n")
    return [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]


def read_lines(fd: int) -> list[str]:
    """All lines of an open file."""
    return ["".join(line) for group in line_groups(fd, nothing, nothing) for line in group]


@contextmanager
def blocks_of(size: int) -> Iterator[None]:
    """Read so many bytes at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "BLOCK", size)
        yield


@given(BYTES, st.integers(1, 9) | st.just(documents.BLOCK))
@example(b"a\r", 1)
@example(b"\r\r\n", 1)
@example("王".encode()[:2], 1)
@example(b"aaaaaa\r\nb", 2)
def test_lines_are_those_of_the_file(content: bytes, block: int) -> None:
    with temporary_input(content) as file, blocks_of(block):
        assert read_lines(file.fileno()) == expected_lines(content)


@given(BYTES)
def test_bytes_that_are_not_utf8_survive(content: bytes) -> None:
    with temporary_input(content) as file:
        text = "\n".join(read_lines(file.fileno()))
    kept = text.encode("utf-8", "surrogateescape")
    content = content.removeprefix(BOM_UTF8)
    assert kept == content.replace(b"\r\n", b"\n").removesuffix(b"\n").removesuffix(b"\r") or kept == content


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"\n\n", ["", ""]),
        (b"a\r\nb", ["a", "b"]),
        (b"a\rb\n", ["a\rb"]),
        ("一\u2028二\x85三\x0b四\n".encode(), ["一\u2028二\x85三\x0b四"]),
    ],
)
def test_only_line_feeds_end_lines(content: bytes, lines: list[str]) -> None:
    with temporary_input(content) as file:
        assert read_lines(file.fileno()) == lines


def test_a_long_line_comes_in_pieces() -> None:
    content = ("长" * 300_000 + "\r\n短\n" + "尾" * 100_000).encode()
    with temporary_input(content) as file:
        lines = [list(line) for group in line_groups(file.fileno(), nothing, nothing) for line in group]
    assert ["".join(line) for line in lines] == expected_lines(content)
    assert max(len(piece) for line in lines for piece in line) <= 2 * documents.BLOCK


def test_a_line_does_not_wait_for_the_next_one() -> None:
    reader, writer = os.pipe()
    groups = line_groups(reader, nothing, nothing)
    for number in range(3):
        os.write(writer, f"第{number}行\n半".encode())
        assert ["".join(line) for line in next(iter(groups))] == [f"{'半' if number else ''}第{number}行"]
    os.close(writer)
    assert [["".join(line) for line in group] for group in groups] == [["半"]]
    os.close(reader)


def test_a_line_may_arrive_byte_by_byte() -> None:
    reader, writer = os.pipe()
    content = "😀王小明\r\n".encode()
    with blocks_of(1):
        os.write(writer, content)
        (line,) = next(line_groups(reader, nothing, nothing))
    assert "".join(line) == "😀王小明"
    os.close(writer)
    os.close(reader)


def test_the_bytes_and_the_text_of_every_block_are_told() -> None:
    read: list[int] = []
    texts: list[str] = []
    content = b"a" * documents.BLOCK + b"\xff\n" + b"b"
    with temporary_input(content) as file:
        for group in line_groups(file.fileno(), read.append, texts.append):
            for line in group:
                assert "".join(line)
    assert read == [documents.BLOCK, 3, 0]
    assert texts == ["a" * documents.BLOCK, "\udcff\nb", ""]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.integers(1, 9))
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_give_the_same_lines(encoding: str, text: str, block: int) -> None:
    with temporary_input(text.encode(encoding)) as file, blocks_of(block):
        lines = ["".join(line) for group in line_groups(file.fileno(), nothing, nothing, encoding) for line in group]
    assert lines == lines_of(text.removeprefix("\ufeff"))


def test_bytes_that_are_not_in_another_encoding_are_an_error() -> None:
    with temporary_input("王".encode("gb18030") + b"\xff\n") as file, pytest.raises(UnicodeError):
        list(line_groups(file.fileno(), nothing, nothing, "gb18030"))


@given(BYTES, st.integers(1, 9))
def test_a_whole_file_is_one_document_with_its_line_ends(content: bytes, block: int) -> None:
    read: list[int] = []
    texts: list[str] = []
    with temporary_input(content) as file, blocks_of(block):
        ((document,),) = whole_file(file.fileno(), read.append, texts.append)
        pieces = list(document)
    assert "".join(pieces) == content.removeprefix(BOM_UTF8).decode("utf-8", "surrogateescape") == "".join(texts)
    assert "" not in pieces
    assert sum(read) == len(content)


def test_a_whole_file_in_another_encoding_is_decoded() -> None:
    with temporary_input("王小明\n".encode("gb18030")) as file:
        ((document,),) = whole_file(file.fileno(), nothing, nothing, "gb18030")
        assert "".join(document) == "王小明\n"
