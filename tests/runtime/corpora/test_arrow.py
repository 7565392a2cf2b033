"""Annotation of record batches: each row once, with the library's answer, whatever the engine hands over."""

from __future__ import annotations

import pickle
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgener import Recognizer, Rules
from edgener.corpora.arrow import ENTITY, annotate_batch, annotate_table, annotated_schema
from edgener.corpora.engine import Annotator
from edgener.corpora.rows import NOT_UNICODE
from edgener.errors import InputError
from tests.runtime.corpora.support import row_spans, spans
from tests.support import TEXTS, TINY_BUNDLE, labelled_texts

SENTENCES = [row.text for row in labelled_texts()][:9]
KINDS = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.binary(),
    pa.large_binary(),
    pa.binary_view(),
    pa.dictionary(pa.int32(), pa.string()),
]


def utf8(text: str | None) -> str | None:
    """Return a text that Arrow can hold, with question marks for lone surrogates."""
    return None if text is None else text.encode("utf-8", "replace").decode()


@given(
    st.lists((st.none() | TEXTS).map(utf8), max_size=8),
    st.sampled_from(KINDS),
    st.sampled_from(["text", "entities", "error", "正文"]),
    st.integers(0, 3),
)
@settings(max_examples=60)
def test_every_row_keeps_its_columns_and_has_the_answer_of_the_library(
    recognizer: Recognizer, texts: list[str | None], kind: Any, name: str, begin: int
) -> None:
    column = pa.array(texts, pa.string()).cast(kind)
    batch = pa.RecordBatch.from_pydict({"n": pa.array(range(len(texts)), pa.uint16()), name: column})[begin:]
    found = annotate_batch(batch, recognizer, text=name)
    assert found.schema == annotated_schema(batch.schema, name)
    assert found.column("n").equals(batch.column("n"))
    kept = found.column(1).to_pylist()
    assert [value.decode() if isinstance(value, bytes) else value for value in kept] == texts[begin:]
    for row, text in zip(found.to_pylist(), texts[begin:], strict=True):
        if text is None:
            assert (row["entities"], row["error"]) == (None, f"{name!r} is null, no text")
        else:
            assert row_spans(row) == spans(recognizer(text))
            assert row["error"] is None


def test_bytes_that_are_no_utf_8_are_mended_in_strings_kept_in_bytes_and_told(recognizer: Recognizer) -> None:
    raw = pa.array(["王小明".encode() + b"\xff", b"a"], pa.binary())
    invalid = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    for column, first in ((invalid, "王小明\ufffd"), (raw, "王小明".encode() + b"\xff")):
        rows = annotate_batch(pa.RecordBatch.from_pydict({"text": column}), recognizer).to_pylist()
        assert [row["error"] for row in rows] == [NOT_UNICODE, None]
        assert rows[0]["text"] == first
        assert [one["text"] for one in rows[0]["entities"]] == ["王小明"]


def test_a_text_that_is_too_long_is_kept_and_told(recognizer: Recognizer) -> None:
    batch = pa.RecordBatch.from_pydict({"text": ["王小明王小明", "王小明"]})
    first, second = annotate_batch(batch, recognizer, longest_text=9).to_pylist()
    assert (first["text"], first["entities"]) == ("王小明王小明", None)
    assert first["error"] == "the text has 18 bytes, more than 9; see longest_text"
    assert second["error"] is None


def test_names_over_a_wrapped_line_are_joined_on_request(recognizer: Recognizer) -> None:
    text = "昨天，李娜从云州\n市来到龙泉县。"
    batch = pa.RecordBatch.from_pydict({"text": [text]})
    for join_lines in (False, True):
        (row,) = annotate_batch(batch, recognizer, join_lines=join_lines).to_pylist()
        assert row_spans(row) == spans(recognizer(text, join_lines=join_lines))
    (row,) = annotate_batch(batch, recognizer).to_pylist()
    assert row_spans(row) == spans(recognizer(text)) != spans(recognizer(text, join_lines=True))


def test_a_column_of_nothing_but_null_has_errors_and_no_entities(recognizer: Recognizer) -> None:
    found = annotate_batch(pa.RecordBatch.from_pydict({"text": pa.nulls(2)}), recognizer)
    assert found.column("entities").to_pylist() == [None, None]
    assert found.column("entities").type == pa.list_(ENTITY)


def test_columns_with_the_names_of_ours_keep_names_of_their_own(recognizer: Recognizer) -> None:
    names = ["entities", "text", "error", "entities_of_input", "row"]
    batch = pa.RecordBatch.from_pydict({name: ["王小明"] for name in names})
    (row,) = annotate_batch(batch, recognizer).to_pylist()
    renamed = ["entities_of_input", "text", "error_of_input", "entities_of_input_of_input", "row"]
    assert list(row) == [*renamed, "entities", "error"]
    assert [row[name] for name in renamed] == ["王小明"] * 5


@pytest.mark.parametrize("chunks", [[], [0], [3], [2, 0, 5]])
def test_a_table_of_any_number_of_chunks_keeps_its_rows_in_order(recognizer: Recognizer, chunks: list[int]) -> None:
    schema = pa.schema({"text": pa.string()})
    table = pa.Table.from_batches(
        [pa.RecordBatch.from_pydict({"text": SENTENCES[:rows]}, schema) for rows in chunks], schema
    )
    found = annotate_table(table, recognizer)
    assert found.schema == annotated_schema(schema)
    assert [row_spans(row) for row in found.to_pylist()] == [
        spans(recognizer(text)) for rows in chunks for text in SENTENCES[:rows]
    ]


def test_a_table_of_other_columns_is_annotated_by_a_process_of_an_engine(recognizer: Recognizer) -> None:
    """The column is named, its dictionary becomes plain texts, and rules and wrapped lines are those of the options."""
    wrapped = "昨天，李娜从云州\n市来到龙泉县。"
    texts = [wrapped, None, wrapped]
    table = pa.table({"正文": pa.array(texts).dictionary_encode(), "n": [1, 2, 3]})
    rules = Rules(types=("LOC",))
    annotator = pickle.loads(pickle.dumps(Annotator(text="正文", model=TINY_BUNDLE, rules=rules, join_lines=True)))
    expected = spans(recognizer.with_rules(rules)(wrapped, join_lines=True))
    assert ("云州\n市", "LOC") in [(text, label) for _, _, label, text in expected]
    found = [annotator.table(table), pa.Table.from_batches(annotator(table.to_batches()))]
    for one in found:
        assert one.schema == pa.schema(
            {"正文": pa.string(), "n": pa.int64(), "entities": pa.list_(ENTITY), "error": pa.string()}
        )
        assert one.column("正文").to_pylist() == texts
        first, second, third = one.to_pylist()
        assert row_spans(first) == row_spans(third) == expected
        assert (second["entities"], second["error"]) == (None, "'正文' is null, no text")


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (pa.schema({"body": pa.string()}), "has no column 'text', but body"),
        (pa.schema({"text": pa.int64()}), "the column 'text' holds int64, no strings"),
        (pa.schema({"text": pa.list_(pa.string())}), "holds list"),
        (pa.schema([("text", pa.string()), ("a", pa.int8()), ("a", pa.int8())]), "two columns 'a'"),
    ],
)
def test_data_without_texts_is_refused(recognizer: Recognizer, schema: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        annotated_schema(schema)
    with pytest.raises(InputError, match=message):
        annotate_batch(pa.RecordBatch.from_pylist([], schema), recognizer)
    with pytest.raises(InputError, match=message):
        annotate_table(schema.empty_table(), recognizer)
