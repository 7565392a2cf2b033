"""Parts cover a file once, in order and within their limit; a file that has no parts says why by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from edgener.corpora.inputs import CSV, LINES, PARQUET, TSV
from edgener.corpora.parts import ROW_COST, Part, grouped, parts_of
from edgener.corpora.rows import parse_rows
from edgener.corpora.settings import QUOTED, UNQUOTED, Settings
from edgener.errors import InputError
from tests.runtime.corpora.support import input_file


def parts(directory: Path, name: str, content: bytes, file_format: str, **settings: Any) -> list[Part]:
    """Return the parts of a file with this content."""
    path = directory / name
    path.write_bytes(content)
    return list(parts_of(input_file(path, file_format), Settings(**settings)))


@given(st.lists(st.integers(0, 300), max_size=20), st.integers(1, 500))
def test_groups_are_as_large_as_the_limit_allows(sizes: list[int], limit: int) -> None:
    groups = list(grouped(sizes, int, limit))
    assert [size for group in groups for size in group] == sizes
    costs = [sum(size + ROW_COST for size in group) for group in groups]
    assert all(cost <= limit or len(group) == 1 for cost, group in zip(costs, groups, strict=True))
    assert all(cost + following[0] + ROW_COST > limit for cost, following in zip(costs, groups[1:], strict=False))


@pytest.mark.parametrize(
    ("name", "content", "file_format", "settings", "message"),
    [
        ("a.csv", b"text,n,n\n", CSV, {}, r"a.csv: has two columns 'n'; rename one"),
        ("a.csv", b"body,n\n", CSV, {}, r"a.csv: has no column 'text', but body, n; give another --text-field"),
        ("a.csv", b"text,\xff\n", CSV, {}, r"a.csv: its first line is no header: .*0xff"),
        (
            "a.txt",
            b"ab",
            LINES,
            {"encoding": "utf-16"},
            r"a.txt: is not utf-16: .*BOM; name its encoding with the order of its bytes, as utf-16le",
        ),
    ],
)
def test_a_file_that_has_no_parts_says_why(
    tmp_path: Path, name: str, content: bytes, file_format: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        parts(tmp_path, name, content, file_format, **settings)


def test_parts_of_parquet_are_numbered_and_cover_rows_and_bytes_once(tmp_path: Path) -> None:
    texts = ["王小明在北京" * (number % 3 + 1) for number in range(30)]
    parquet.write_table(pa.table({"text": texts}), tmp_path / "a.parquet", row_group_size=7)
    size = (tmp_path / "a.parquet").stat().st_size
    found = list(parts_of(input_file(tmp_path / "a.parquet", PARQUET), Settings(part_bytes=400)))
    assert len(found) > 5
    assert [part.number for part in found] == list(range(len(found)))
    assert [part.first_row for part in found] == [1 + sum(part.rows for part in found[:n]) for n in range(len(found))]
    assert sum(part.rows for part in found) == len(texts)
    assert [part.start for part in found] == [0, *(part.end for part in found[:-1])]
    assert found[-1].end == size


STRAY = 'n\ttext\n1\t"王小明说\n2\t他在"北京"。\n\n3\t他说"\n'


def test_each_line_of_tsv_is_a_record_whatever_its_quotes_are_unless_they_are_asked_for(tmp_path: Path) -> None:
    rows = [
        parse_rows(part.content, TSV, part.header, Settings())
        for part in parts(tmp_path, "a.tsv", STRAY.encode(), TSV)
        if not isinstance(part.content, bytes)
    ]
    assert [(row.text, row.error) for row in rows[0]] == [
        ('"王小明说', None),
        ('他在"北京"。', None),
        ('他说"', None),
    ]
    quoted = b'text\tn\n"a\tb\n""c"""\t1\n'
    (part,) = parts(tmp_path, "a.tsv", quoted, TSV, quotes=QUOTED)
    assert not isinstance(part.content, bytes)
    (row,) = parse_rows(part.content, TSV, part.header, Settings(quotes=QUOTED))
    assert (row.text, row.error) == ('a\tb\n"c"', None)


def test_quotes_in_csv_are_text_on_request(tmp_path: Path) -> None:
    for quotes, texts in ((None, ["a\n2,b"]), (UNQUOTED, ['"a', 'b"'])):
        (part,) = parts(tmp_path, "a.csv", b'n,text\n1,"a\n2,b"\n', CSV, quotes=quotes)
        assert not isinstance(part.content, bytes)
        assert [row.text for row in parse_rows(part.content, CSV, part.header, Settings(quotes=quotes))] == texts
