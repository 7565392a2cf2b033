"""Text files are cut into the rows that they hold, however their bytes arrive, and memory is bounded."""

from __future__ import annotations

import csv
import io
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edgener.corpora.raw_rows import RawRow, csv_records, filled_lines, lines, parse_csv_record

LONGEST = 1000
CONTENT = st.lists(st.sampled_from([b"a", "王".encode(), b"\r", b"\n", b"\r\n", b"\xff", b" ", b"\x0b\x85"])).map(
    b"".join
)
FIELDS = st.text(st.sampled_from('ab王,"\n \t'), max_size=6)


def in_blocks(content: bytes, cuts: list[int]) -> list[bytes]:
    """Return the content cut at these places."""
    places = sorted(cut % (len(content) + 1) for cut in cuts)
    return [content[start:end] for start, end in pairwise([0, *places, len(content)])]


@given(CONTENT, st.lists(st.integers(0, 50)))
def test_lines_are_those_between_line_feeds_wherever_blocks_end(content: bytes, cuts: list[int]) -> None:
    expected = content.split(b"\n")
    if not expected[-1]:
        expected.pop()
    found = list(lines(in_blocks(content, cuts), LONGEST))
    assert found == [RawRow(line.removesuffix(b"\r")) for line in expected]


def test_a_byte_order_mark_is_no_part_of_the_first_line_and_kept_in_others() -> None:
    mark = b"\xef\xbb\xbf"
    assert [row.content for row in lines([mark[:1], mark[1:] + b"a\n" + mark + b"b"], LONGEST)] == [b"a", mark + b"b"]


def test_a_line_that_is_too_long_is_counted_and_not_held() -> None:
    blocks = (b"x" * 1000 for _ in range(1000))
    (row,) = lines(blocks, 999)
    assert row == RawRow(b"", "the row has 1000000 bytes, more than 999; see --longest-row")
    assert [row.content for row in lines([b"x" * 6 + b"\nab"], 5)] == [b"", b"ab"]
    assert [row.content for row in lines([b"x" * 5 + b"\nab"], 5)] == [b"xxxxx", b"ab"]


def test_lines_of_white_space_hold_no_json() -> None:
    assert [row.content for row in filled_lines([b"\n{}\n \t\r\n[]\n\n"], LONGEST)] == [b"{}", b"[]"]
    assert len(list(filled_lines([b" " * 10], 5))) == 1


@given(st.lists(st.lists(FIELDS, min_size=2, max_size=3), max_size=6), st.booleans(), st.lists(st.integers(0, 80)))
def test_records_of_csv_are_those_that_were_written(table: list[list[str]], crlf: bool, cuts: list[int]) -> None:
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n" if crlf else "\n").writerows(table)
    content = file.getvalue().encode()
    found = [parse_csv_record(row.content.decode(), ",") for row in csv_records(in_blocks(content, cuts), 10_000, ",")]
    assert found == table


@given(CONTENT.map(lambda content: content.replace(b" ", b'"')), st.lists(st.integers(0, 50)))
def test_no_byte_of_csv_is_lost(content: bytes, cuts: list[int]) -> None:
    found = b"".join(row.content for row in csv_records(in_blocks(content, cuts), 10_000, ","))
    assert sorted(found.replace(b"\r", b"").replace(b"\n", b"")) == sorted(
        content.replace(b"\r", b"").replace(b"\n", b"")
    )


def test_a_quote_that_is_not_closed_costs_its_own_line_only() -> None:
    content = b'1,a\n2,"b\n3,c\n4,"d\ne"\n5,"f\n6,g'
    assert [row.content for row in csv_records([content], LONGEST, ",")] == [
        b"1,a",
        b'2,"b',
        b"3,c",
        b'4,"d\ne"',
        b'5,"f',
        b"6,g",
    ]


def test_a_record_that_is_too_long_costs_its_first_line_only() -> None:
    content = b'1,"' + b"a\n" * 10 + b'"\n2,b'
    rows = [row.content for row in csv_records([content], 12, ",")]
    assert rows[0] == b'1,"a'
    assert rows[-1] == b"2,b"
    assert b"".join(rows) == content.replace(b"\n", b"")
