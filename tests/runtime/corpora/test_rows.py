"""Every row of a text file is kept: parsed, or as it stands with the reason why it cannot be parsed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener.corpora.inputs import CSV, JSONL, LINES, TSV
from edgener.corpora.raw_rows import RawRow
from edgener.corpora.rows import NOT_UNICODE, ExactNumber, Row, output_name, parse_rows
from edgener.corpora.settings import Settings

SETTINGS = Settings()
WITH_ID = Settings(id_field="id")


def parse(content: bytes, file_format: str, header: tuple[str, ...] = (), settings: Settings = SETTINGS) -> Row:
    """Parse one row."""
    (row,) = parse_rows([RawRow(content)], file_format, header, settings)
    return row


def test_a_line_is_a_text() -> None:
    assert parse("王小明".encode(), LINES) == Row({"text": "王小明"}, "王小明")
    assert parse(b"", LINES) == Row({"text": ""}, "")


@pytest.mark.parametrize(("file_format", "header"), [(LINES, ()), (CSV, ("text",))])
def test_each_undecodable_byte_is_one_replacement_character(file_format: str, header: tuple[str, ...]) -> None:
    row = parse("王".encode() + b"\xff\xfe!", file_format, header)
    assert row == Row({"text": "王\ufffd\ufffd!"}, "王\ufffd\ufffd!", NOT_UNICODE)


def test_columns_of_a_tsv_row_are_separated_by_tabs_alone() -> None:
    assert parse("王,明\t5".encode(), TSV, ("text", "n")) == Row({"text": "王,明", "n": "5"}, "王,明")


def test_undecodable_bytes_and_lone_surrogates_of_json_are_told() -> None:
    assert parse(b'{"text": "a\xff"}', JSONL) == Row({"text": "a\ufffd"}, "a\ufffd", NOT_UNICODE)
    assert parse(b'{"text": "a\\ud800", "b": "\\ud800"}', JSONL) == Row(
        {"text": "a\ufffd", "b": "\ud800"}, "a\ufffd", NOT_UNICODE
    )
    assert parse(b'{"text": "\\ud83d\\ude00"}', JSONL) == Row({"text": "😀"}, "😀")


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "entities", "error", "row", "row_of_input"]), JSON_VALUES), st.text())
def test_all_keys_of_an_object_are_kept(others: dict[str, Any], text: str) -> None:
    row = parse(json.dumps({**others, "text": text}).encode(), JSONL)
    assert row.text == text
    assert row.error is None
    assert list(row.columns.values()) == [*others.values(), text]
    assert not {"entities", "error", "row"} & set(row.columns)


@pytest.mark.parametrize(
    ("content", "kept", "error"),
    [
        (b"{", "{", "is not JSON"),
        (b"[" * 5000, "[" * 5000, "is nested too deeply"),
        (b"[1]", "[1]", "is no JSON object, but a list"),
        (b'"a"', '"a"', "is no JSON object, but a string"),
        (b'{"a": 1}', None, "has no 'text'"),
        (b'{"text": null}', None, "'text' is null, no text"),
        (b'{"text": 5}', 5, "'text' is a number, no text"),
        (b'{"text": 0.12345678901234567890}', ExactNumber("0.12345678901234567890"), "'text' is a number, no text"),
        (b'{"text": true}', True, "'text' is a truth value, no text"),
        (b'{"text": ["a"]}', ["a"], "'text' is a list, no text"),
        (b'{"text": {}}', {}, "'text' is an object, no text"),
        (b'{"text": "a", "text": "b"}', '{"text": "a", "text": "b"}', "the key 'text' stands twice"),
        (b'{"text": "a", "n": 1e999}', '{"text": "a", "n": 1e999}', "the number 1e999 is too large"),
        (b'{"text": "a", "n": NaN}', '{"text": "a", "n": NaN}', "NaN is no number of JSON"),
        (b'{"text": "a"} {}', '{"text": "a"} {}', "is not JSON: Extra data"),
        (b'{"text": "\xff"', '{"text": "\ufffd"', "is not JSON"),
        (b'{"n": ' + b"1" * 5000 + b"}", '{"n": ' + "1" * 5000 + "}", "is not JSON"),
    ],
)
def test_an_object_that_cannot_be_annotated_is_kept_with_the_reason(content: bytes, kept: object, error: str) -> None:
    row = parse(content, JSONL)
    assert row.text is None
    assert row.columns.get("text") == kept
    assert error in (row.error or "")


def test_the_fields_of_a_record_are_kept_by_their_names() -> None:
    row = parse('1,"王,小\n明"'.encode(), CSV, ("k", "text"))
    assert row == Row({"k": "1", "text": "王,小\n明"}, "王,小\n明")
    assert parse(b"1\ta,b", TSV, ("k", "text")) == Row({"k": "1", "text": "a,b"}, "a,b")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"1,a,b", "has 3 columns, but the header has 2"),
        (b"1", "has 1 columns, but the header has 2"),
        (b'1,"a', "is no record of CSV: unexpected end of data"),
        (b'1,"a"b', "is no record of CSV: ',' expected after '\"'"),
        (b"1,a\rb", "is no record of CSV: new-line character"),
    ],
)
def test_a_line_that_is_no_record_is_kept_with_the_reason(content: bytes, error: str) -> None:
    row = parse(content, CSV, ("k", "text"))
    assert (row.columns, row.text) == ({"text": content.decode()}, None)
    assert error in (row.error or "")


def test_a_row_that_was_too_long_says_so() -> None:
    assert parse_rows([RawRow(b"", "too long")], JSONL, (), SETTINGS) == [Row({"text": None}, None, "too long")]


def test_a_row_without_id_is_annotated_and_told() -> None:
    assert parse(b'{"text": "a"}', JSONL, (), WITH_ID) == Row({"text": "a"}, "a", "has no 'id'")
    assert parse(b'{"text": "a", "id": 0}', JSONL, (), WITH_ID) == Row({"text": "a", "id": 0}, "a")


def test_a_row_with_two_errors_tells_both() -> None:
    assert parse(b'{"text": "a\xff"}', JSONL, (), WITH_ID).error == f"{NOT_UNICODE}; has no 'id'"


@given(
    st.lists(
        st.sampled_from(["entities", "error", "row"]).flatmap(
            lambda name: st.integers(0, 3).map(lambda times: name + "_of_input" * times)
        ),
        unique=True,
    )
)
def test_columns_with_names_of_ours_keep_names_of_their_own(names: list[str]) -> None:
    renamed = [output_name(name, SETTINGS) for name in names]
    assert len({*renamed, "entities", "error", "row"}) == len(names) + 3
    assert output_name("row", WITH_ID) == "row"
