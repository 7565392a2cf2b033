"""Each output format holds every row once, with the library's entities and all that the input said of it."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import dataset, parquet

from edgener import Recognizer
from edgener.corpora.annotate import Counts, annotate, total
from edgener.corpora.arrow import ENTITY
from edgener.corpora.inputs import JSONL, PARQUET
from edgener.corpora.outputs import to_json
from edgener.corpora.parquet import check_columns, parquet_parts
from edgener.corpora.parts import check_file, parts_of
from edgener.corpora.rows import NOT_UNICODE
from edgener.corpora.settings import Settings
from edgener.corpora.streams import DamagedError
from edgener.errors import InputError, OutputError
from tests.runtime.corpora.support import SMALL, do_job, input_file, json_rows, spans
from tests.runtime.corpora.test_streams import COMPRESS
from tests.support import TEXTS, labelled_texts, largest_file, open_to_all, without_rights

SENTENCES = [row.text for row in labelled_texts()][:9]
BAD = b'{"text": "\xe7\x8e\x8b\xff"}\n{"text": 1, "id": 7}\n{\n{"text": "", "id": null, "a": {"b": [1]}}\n'


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    """JSON lines with good and bad rows."""
    path = tmp_path / "in.jsonl"
    rows = [json.dumps({"id": f"n{number}", "text": text, "a": number}) for number, text in enumerate(SENTENCES)]
    path.write_bytes("\n".join(rows).encode() + b"\n" + BAD)
    return path


def parquet_rows(output: Path, file: str) -> list[dict[str, Any]]:
    """Return the rows of all parts of an input file, read as one data set."""
    rows: list[dict[str, Any]] = (
        dataset.dataset(sorted(map(str, (output / file).glob("part-*")))).to_table().to_pylist()
    )
    return rows


def test_json_lines_keep_every_key_and_say_what_is_wrong(recognizer: Recognizer, objects: Path, tmp_path: Path) -> None:
    do_job(recognizer, [objects], tmp_path / "out", Settings(part_bytes=SMALL, id_field="id"))
    rows = json_rows(tmp_path / "out", "in.jsonl")
    for number, (row, text) in enumerate(zip(rows, SENTENCES, strict=False)):
        entities = [{**entity.to_dict(), "score": round(entity.score, 4)} for entity in recognizer(text)]
        for one, expected in zip(row["entities"], entities, strict=True):
            assert one.pop("score") == pytest.approx(expected.pop("score"), abs=0.001)
            assert one == expected
        assert row == {"id": f"n{number}", "text": text, "a": number, "entities": row["entities"], "error": None}
    assert [list(row.values()) for row in rows[len(SENTENCES) :]] == [
        ["王\ufffd", rows[len(SENTENCES)]["entities"], f"{NOT_UNICODE}; has no 'id'"],
        [1, 7, None, "'text' is a number, no text"],
        ["{", None, rows[-2]["error"]],
        ["", None, {"b": [1]}, [], "has no 'id'"],
    ]


def test_a_part_is_counted(recognizer: Recognizer, objects: Path, tmp_path: Path) -> None:
    (part,) = parts_of(input_file(objects, JSONL), Settings())
    counts = annotate(part, recognizer, Settings(), [tmp_path / "draft"])
    labels = [entity.label for text in [*SENTENCES, "王\ufffd"] for entity in recognizer(text)]
    expected = {label: labels.count(label) for label in sorted(set(labels))}
    assert counts == Counts(
        rows=len(SENTENCES) + 4,
        texts=len(SENTENCES) + 2,
        code_points=sum(map(len, SENTENCES)) + 2,
        errors=3,
        entities=expected,
    )
    assert list(counts.entities) == list(expected)
    both = total([counts, Counts(1, 2, 3, 4, {"A": 5, "PER": 6})])
    assert list(both.entities) == ["A", *expected]
    assert both == Counts(
        rows=counts.rows + 1,
        texts=counts.texts + 2,
        code_points=counts.code_points + 3,
        errors=counts.errors + 4,
        entities={**expected, "A": 5, "PER": expected["PER"] + 6},
    )


def test_a_column_of_the_input_named_rest_stands_beside_the_rest(recognizer: Recognizer, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"rest": 1, "text": "王", "a": [2]}\n', encoding="utf-8")
    do_job(recognizer, [tmp_path / "in.jsonl"], tmp_path / "out", Settings(output_format="parquet", id_field="rest"))
    (row,) = parquet_rows(tmp_path / "out", "in.jsonl")
    assert {name: row[name] for name in ("rest", "text", "rest_")} == {"rest": "1", "text": "王", "rest_": '{"a": [2]}'}


def test_parquet_is_checked_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    parquet.write_table(pa.table({"text": ["王"], "n": [1]}), path)
    assert check_file(input_file(path, PARQUET), Settings(id_field="n")) == ""
    for wanted, message in (
        (Settings(id_field="id"), "has no column 'id', but text, n; give another --id-field"),
        (Settings(text_field="body"), "has no column 'body', but text, n; give another --text-field"),
        (Settings(text_field="n"), "the column 'n' holds int64, no strings"),
    ):
        with pytest.raises(InputError) as error:
            check_file(input_file(path, PARQUET), wanted)
        assert str(error.value) == f"{path}: {message}"


def test_wrapped_texts_are_joined_on_request(recognizer: Recognizer, tmp_path: Path) -> None:
    text = "昨天，李娜从云州\n市来到龙泉县。"
    (tmp_path / "in.jsonl").write_text(json.dumps({"text": text}), encoding="utf-8")
    for join_lines in (False, True):
        output = tmp_path / str(join_lines)
        do_job(recognizer, [tmp_path / "in.jsonl"], output, Settings(join_lines=join_lines))
        (row,) = json_rows(output, "in.jsonl")
        found = [(one["start"], one["end"], one["label"], one["text"]) for one in row["entities"]]
        assert found == spans(recognizer(text, join_lines=join_lines))
    assert spans(recognizer(text)) != spans(recognizer(text, join_lines=True))


def test_conll_holds_the_tags_and_a_second_file_the_rest(recognizer: Recognizer, objects: Path, tmp_path: Path) -> None:
    do_job(recognizer, [objects], tmp_path / "out", Settings(output_format="conll", part_bytes=SMALL))
    parts = sorted((tmp_path / "out/in.jsonl").glob("part-*.conll"))
    blocks = "".join(part.read_text(encoding="utf-8") for part in parts).removesuffix("\n").split("\n\n")
    for block, text in zip(blocks, SENTENCES, strict=False):
        rows = [line.split(" ") for line in block.splitlines()]
        assert "".join(character for character, _ in rows) == text
        begins = [index for index, (_, tag) in enumerate(rows) if tag.startswith("B-")]
        assert begins == [entity.start for entity in recognizer(text)]
    others = json_rows(tmp_path / "out", "in.jsonl")
    assert [row["row"] for row in others] == list(range(1, len(SENTENCES) + 5))
    assert others[0] == {"row": 1, "id": "n0", "a": 0, "error": None}
    assert (others[-2]["text"], others[-2]["error"][:11]) == ("{", "is not JSON")


def test_parquet_of_json_has_the_text_the_id_and_the_rest(
    recognizer: Recognizer, objects: Path, tmp_path: Path
) -> None:
    options = Settings(output_format="parquet", part_bytes=SMALL, id_field="id")
    do_job(recognizer, [objects], tmp_path / "out", options)
    schemas = {
        tuple((field.name, str(field.type)) for field in parquet.read_schema(path))
        for path in (tmp_path / "out/in.jsonl").iterdir()
    }
    assert schemas == {
        (
            ("id", "string"),
            ("text", "string"),
            ("rest", "string"),
            ("entities", f"list<element: {ENTITY}>"),
            ("error", "string"),
        )
    }
    rows = parquet_rows(tmp_path / "out", "in.jsonl")
    for number, (row, text) in enumerate(zip(rows, SENTENCES, strict=False)):
        assert (row["id"], row["text"], row["rest"], row["error"]) == (f"n{number}", text, f'{{"a": {number}}}', None)
        assert [(one["start"], one["end"], one["label"], one["text"]) for one in row["entities"]] == spans(
            recognizer(text)
        )
    assert [(row["id"], row["text"], row["rest"], row["entities"]) for row in rows[len(SENTENCES) + 1 :]] == [
        ("7", "1", None, None),
        (None, "{", None, None),
        (None, "", '{"a": {"b": [1]}}', []),
    ]


def test_parquet_of_csv_has_the_columns_of_the_header(recognizer: Recognizer, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("k,text,row\n1,王小明,5\n2\n", encoding="utf-8")
    do_job(recognizer, [tmp_path / "in.csv"], tmp_path / "out", Settings(output_format="parquet"))
    first, second = parquet_rows(tmp_path / "out", "in.csv")
    assert {name: first[name] for name in ("row", "k", "text", "row_of_input")} == {
        "row": 1,
        "k": "1",
        "text": "王小明",
        "row_of_input": "5",
    }
    assert (second["row"], second["k"], second["text"], second["entities"]) == (2, None, "2", None)


@given(
    st.lists(st.none() | TEXTS, max_size=6),
    st.integers(1, 300),
    st.sampled_from([pa.string(), pa.large_string(), pa.binary()]),
)
@settings(max_examples=20)
def test_rows_of_parquet_keep_their_order_columns_and_types(
    recognizer: Recognizer,
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str | None],
    part_bytes: int,
    kind: Any,
) -> None:
    folder = tmp_path_factory.mktemp("parquet")
    texts = [None if text is None else text.encode("utf-8", "replace").decode() for text in texts]
    numbers = pa.array(range(len(texts)), pa.uint16())
    columns = {"n": numbers, "text": pa.array(texts, pa.string()).cast(kind), "error": numbers}
    parquet.write_table(pa.table(columns), folder / "in.parquet", row_group_size=4)
    do_job(
        recognizer, [folder / "in.parquet"], folder / "out", Settings(output_format="parquet", part_bytes=part_bytes)
    )
    files = sorted((folder / "out/in.parquet").glob("*"))
    found = pa.concat_tables(map(parquet.read_table, files)) if files else None
    assert bool(files) == bool(texts)
    if found is not None:
        assert found.column_names == ["row", "n", "text", "error_of_input", "entities", "error"]
        assert found.schema.field("text").type == kind
        assert found.schema.field("n").type == pa.uint16()
        assert found["n"].to_pylist() == found["error_of_input"].to_pylist() == list(range(len(texts)))
        assert found["text"].cast(pa.string()).to_pylist() == texts
        for text, entities, error in zip(texts, found["entities"].to_pylist(), found["error"].to_pylist(), strict=True):
            if text is None:
                assert (entities, error) == (None, "'text' is null, no text")
            else:
                assert [(one["start"], one["end"], one["label"], one["text"]) for one in entities] == spans(
                    recognizer(text)
                )


def test_parquet_with_strings_that_are_no_utf8_is_mended_and_told(recognizer: Recognizer, tmp_path: Path) -> None:
    texts = pa.array([b"\xe7\x8e\x8b\xff", b"a"], pa.binary())
    invalid = pa.Array.from_buffers(pa.string(), 2, texts.buffers())
    parquet.write_table(pa.table({"text": invalid, "other": invalid}), tmp_path / "in.parquet")
    for output_format, read in (("parquet", parquet_rows), ("jsonl", json_rows)):
        output = tmp_path / output_format
        do_job(recognizer, [tmp_path / "in.parquet"], output, Settings(output_format=output_format))
        rows = read(output, "in.parquet")
        assert [(row["text"], row["other"], row["error"]) for row in rows] == [
            ("王\ufffd", "王\ufffd", NOT_UNICODE),
            ("a", "a", None),
        ]


def invalid_strings(values: list[bytes | None], kind: Any = None) -> Any:
    """Return strings that are not checked."""
    bytes_ = pa.array(values, pa.binary() if kind is None else pa.large_binary())
    return pa.Array.from_buffers(kind or pa.string(), len(values), bytes_.buffers())


@pytest.mark.parametrize("output_format", ["jsonl", "parquet", "conll"])
def test_strings_that_are_no_utf8_within_any_column_are_mended_and_told_in_their_row_alone(
    recognizer: Recognizer, tmp_path: Path, output_format: str
) -> None:
    values = invalid_strings([b"a", b"b\xff", None, b"c"])
    ranks, places = pa.array([0, 1, None, 3], pa.int32()), pa.array([0, 1, None, 2], pa.int32())
    offsets, keys = pa.array([0, 1, 2, 3, 4], pa.int32()), pa.array(["k"] * 4)
    columns = {
        "text": pa.array(["王小明"] * 4),
        "list": pa.ListArray.from_arrays(offsets, values),
        "lists": pa.ListArray.from_arrays(offsets, pa.ListArray.from_arrays([0, 1, 2, 3, 4], values)),
        "pair": pa.FixedSizeListArray.from_arrays(values, 1),
        "struct": pa.StructArray.from_arrays(
            [values, ranks], names=["s", "n"], mask=pa.array([False, False, True, False])
        ),
        "map": pa.MapArray.from_arrays([0, 1, 2, 3, 4], keys, values),
        "large": invalid_strings([b"a", b"b\xff", None, b"c"], pa.large_string()),
        "small": pa.DictionaryArray.from_arrays(
            places.cast(pa.int8()), invalid_strings([b"a", b"b\xff", b"c"], pa.large_string())
        ),
        "kind": pa.DictionaryArray.from_arrays(places, invalid_strings([b"a", b"b\xff", b"c"]), ordered=True),
    }
    parquet.write_table(pa.table(columns), tmp_path / "in.parquet")
    settings = Settings(output_format=output_format)
    do_job(recognizer, [tmp_path / "in.parquet"], tmp_path / "out", settings)
    rows = (parquet_rows if output_format == "parquet" else json_rows)(tmp_path / "out", "in.parquet")
    assert [row["error"] for row in rows] == [None, NOT_UNICODE, None, None]
    for name in ("large", "kind", "small"):
        assert [row[name] for row in rows] == ["a", "b\ufffd", None, "c"]
    assert [row["struct"] for row in rows] == [{"s": "a", "n": 0}, {"s": "b\ufffd", "n": 1}, None, {"s": "c", "n": 3}]
    assert [row["pair"] for row in rows] == [["a"], ["b\ufffd"], [None], ["c"]]
    assert [[list(pair) for pair in row["map"]] for row in rows] == [
        [["k", "a"]], [["k", "b\ufffd"]], [["k", None]], [["k", "c"]]
    ]  # fmt: skip
    assert [row["list"] for row in rows] == [["a"], ["b\ufffd"], [None], ["c"]]
    assert [row["lists"] for row in rows] == [[["a"]], [["b\ufffd"]], [[None]], [["c"]]]
    if output_format == "parquet":
        assert (
            parquet.read_schema(next((tmp_path / "out/in.parquet").iterdir())).field("kind").type
            == columns["kind"].type
        )


@pytest.mark.parametrize("column", ["text", "other"])
def test_values_that_are_stored_once_and_stand_in_every_row_are_bounded_by_the_size_of_a_part(
    tmp_path: Path, column: str
) -> None:
    rows, size, limit = 4000, 43_000, 1 << 20
    values = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["a" * size]))
    for kind in (values.type, pa.string()):
        columns = {
            "text": pa.array(["b"] * rows),
            column: values.cast(kind),
        }
        parquet.write_table(pa.table(columns), tmp_path / "in.parquet")
        del columns
        before, most, found = pa.total_allocated_bytes(), 0, 0
        for part in parquet_parts(input_file(tmp_path / "in.parquet", PARQUET), Settings(part_bytes=limit)):
            most = max(most, pa.total_allocated_bytes() - before)
            found += part.rows
            assert part.rows * size <= limit
            assert len(part.content) < limit + (1 << 16)
        assert found == rows
        assert most < 8 * limit


def test_parts_of_parquet_span_the_rows_that_are_read_at_once(recognizer: Recognizer, tmp_path: Path) -> None:
    kinds = pa.array([f"kind {number % 50}" for number in range(100)]).dictionary_encode()
    lists = pa.ListArray.from_arrays(pa.array(range(101), pa.int32()), kinds)
    columns = {"text": ["王小明"] * 100, "kind": kinds, "kinds": lists}
    parquet.write_table(pa.table(columns), tmp_path / "in.parquet", row_group_size=30)
    do_job(recognizer, [tmp_path / "in.parquet"], tmp_path / "out", Settings(output_format="parquet"))
    (result,) = (tmp_path / "out/in.parquet").iterdir()
    table = parquet.read_table(result)
    assert table["kind"].to_pylist() == kinds.to_pylist()
    assert table["kinds"].to_pylist() == lists.to_pylist()
    assert table.schema.field("kind").type == kinds.type
    assert table["row"].to_pylist() == list(range(1, 101))


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_parquet_that_is_compressed_as_a_whole_is_read(recognizer: Recognizer, tmp_path: Path, suffix: str) -> None:
    parquet.write_table(pa.table({"text": SENTENCES}), tmp_path / "in.parquet")
    path = tmp_path / f"in.parquet{suffix}"
    path.write_bytes(COMPRESS[suffix]((tmp_path / "in.parquet").read_bytes()))
    check_columns(input_file(path, PARQUET), Settings())
    do_job(recognizer, [path], tmp_path / "out", Settings(part_bytes=SMALL))
    assert [row["text"] for row in json_rows(tmp_path / "out", path.name)] == SENTENCES
    path.write_bytes(path.read_bytes()[:20])
    assert check_file(input_file(path, PARQUET), Settings()) == ""
    with pytest.raises(DamagedError, match=rf"in\.parquet\{suffix}: cannot be read to its end"):
        list(parquet_parts(input_file(path, PARQUET), Settings()))


def test_a_lone_surrogate_in_an_id_is_told_where_parquet_cannot_hold_it(recognizer: Recognizer, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b'{"text": "a", "id": "b\\ud800"}\n')
    do_job(recognizer, [tmp_path / "in.jsonl"], tmp_path / "out", Settings(output_format="parquet", id_field="id"))
    ((row),) = parquet_rows(tmp_path / "out", "in.jsonl")
    assert (row["id"], row["error"]) == ("b\ufffd", NOT_UNICODE)


NUMBERS = (
    '{"a": 0.1234567890123456789, "b": [1.5, -0.0, 1e-999999999999999999999999], "c": {"d": 12345678901234567890.5}}'
)


def test_numbers_with_more_digits_than_a_float_are_kept(recognizer: Recognizer, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "王", "n": ' + NUMBERS + "}", encoding="utf-8")
    for output_format in ("jsonl", "conll", "parquet"):
        output = tmp_path / output_format
        do_job(recognizer, [tmp_path / "in.jsonl"], output, Settings(output_format=output_format))
        if output_format == "parquet":
            ((row),) = parquet_rows(output, "in.jsonl")
            assert row["rest"] == '{"n": ' + NUMBERS + "}"
        else:
            suffix = ".jsonl" if output_format == "jsonl" else ".rows.jsonl"
            assert f'"n": {NUMBERS}, ' in (output / f"in.jsonl/part-0000000{suffix}").read_text(encoding="utf-8")


def test_parquet_with_a_dictionary_of_texts_gives_strings(recognizer: Recognizer, tmp_path: Path) -> None:
    texts = pa.array([*SENTENCES, None, *SENTENCES]).dictionary_encode()
    parquet.write_table(pa.table({"body": texts, "id": texts}), tmp_path / "in.parquet")
    options = Settings(output_format="parquet", text_field="body", id_field="id", part_bytes=SMALL)
    do_job(recognizer, [tmp_path / "in.parquet"], tmp_path / "out", options)
    rows = parquet_rows(tmp_path / "out", "in.parquet")
    assert [row["body"] for row in rows] == [row["id"] for row in rows] == [*SENTENCES, None, *SENTENCES]
    assert parquet.read_schema(tmp_path / "out/in.parquet/part-0000000.parquet").field("body").type == pa.string()
    assert rows[0]["entities"]
    assert "has no 'id'" in rows[len(SENTENCES)]["error"]


def test_every_type_of_parquet_can_be_written_as_json(recognizer: Recognizer, tmp_path: Path) -> None:
    columns = {
        "text": ["王小明"],
        "day": [date(2026, 5, 1)],
        "time": [datetime(2026, 5, 1, 12, tzinfo=UTC)],
        "price": [Decimal("1.50")],
        "raw": [b"\xff"],
        "number": pa.array([float("nan")]),
        "nested": [{"a": [float("inf"), 1.5]}],
    }
    parquet.write_table(pa.table(columns), tmp_path / "in.parquet")
    do_job(recognizer, [tmp_path / "in.parquet"], tmp_path / "out", Settings())
    (row,) = json_rows(tmp_path / "out", "in.parquet")
    assert list(row.values())[1:-2] == [
        "王小明",
        "2026-05-01",
        "2026-05-01T12:00:00+00:00",
        "1.50",
        "/w==",
        None,
        {"a": [None, 1.5]},
    ]


def test_a_text_of_parquet_that_is_too_long_is_kept_and_told(recognizer: Recognizer, tmp_path: Path) -> None:
    parquet.write_table(pa.table({"text": ["王小明王小明", "王小明"]}), tmp_path / "in.parquet")
    do_job(recognizer, [tmp_path / "in.parquet"], tmp_path / "out", Settings(longest_row=9))
    first, second = json_rows(tmp_path / "out", "in.parquet")
    assert (first["text"], first["entities"]) == ("王小明王小明", None)
    assert first["error"] == "the text has 18 bytes, more than 9; see --longest-row"
    assert second["error"] is None


def test_a_row_that_is_larger_than_a_part_is_a_part_of_its_own(tmp_path: Path) -> None:
    texts = ["a" * 10, "b" * 5000, "c" * 10, "d" * 10]
    parquet.write_table(pa.table({"text": texts}), tmp_path / "in.parquet")
    file = input_file(tmp_path / "in.parquet", PARQUET)
    assert [part.rows for part in parquet_parts(file, Settings(part_bytes=3000))] == [1, 1, 2]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": [1]}, "the column 'text' holds int64, no strings"),
        ({"body": ["a"]}, "has no column 'text', but body; give another --text-field"),
    ],
)
def test_parquet_without_texts_is_refused(tmp_path: Path, columns: dict[str, list[object]], message: str) -> None:
    parquet.write_table(pa.table(columns), tmp_path / "in.parquet")
    with pytest.raises(InputError, match=message):
        check_columns(input_file(tmp_path / "in.parquet", PARQUET), Settings())


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all" * 10])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"in\.parquet: cannot be read as Parquet"):
        check_columns(input_file(tmp_path / "in.parquet", PARQUET), Settings())


def test_a_damaged_page_of_parquet_is_told(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    parquet.write_table(pa.table({"text": [f"{number}" * 9 for number in range(2000)]}), path, row_group_size=1000)
    content = path.read_bytes()
    start = len(content) // 3
    path.write_bytes(content[:start] + bytes(200) + content[start + 200 :])
    with pytest.raises(InputError, match=r"in\.parquet: cannot be read to its end"):
        list(parquet_parts(input_file(path, PARQUET), Settings(part_bytes=1000)))


def test_results_are_read_by_duckdb(recognizer: Recognizer, objects: Path, tmp_path: Path) -> None:
    do_job(recognizer, [objects], tmp_path / "out", Settings(output_format="parquet", part_bytes=SMALL))
    query = f"""
select row, e.text, substring(t.text, e.start + 1, e."end" - e.start)
from (select row, text, unnest(entities) as e from '{tmp_path}/out/in.jsonl/*.parquet') t
where row <= {len(SENTENCES)} order by row, e.start"""
    assert duckdb.connect().execute(query).fetchall() == [
        (number, entity.text, entity.text) for number, text in enumerate(SENTENCES, 1) for entity in recognizer(text)
    ]


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=())),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    )
)
def test_json_of_any_value_is_one_line_of_utf8_that_gives_the_value(value: object) -> None:
    text = to_json(value)
    assert json.loads(text.encode()) == value
    assert "\n" not in text


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_durations_of_a_column_are_numbers_of_its_unit(recognizer: Recognizer, tmp_path: Path, unit: str) -> None:
    numbers = [0, 1, 1000, -5, 90_000_000, None]
    spans = pa.array(numbers, pa.duration(unit))
    columns = {"text": ["王小明"] * 6, "span": spans, "inside": pa.StructArray.from_arrays([spans], names=["span"])}
    parquet.write_table(pa.table(columns), tmp_path / "in.parquet")
    do_job(recognizer, [tmp_path / "in.parquet"], tmp_path / "out", Settings())
    rows = json_rows(tmp_path / "out", "in.parquet")
    assert [row["span"] for row in rows] == [None if number is None else f"{number} {unit}" for number in numbers]
    factor = {"s": 10**6, "ms": 1000, "us": 1, "ns": 1}[unit]
    assert rows[0]["inside"]["span"] == "0 us"
    assert rows[1]["inside"]["span"] == ("1 ns" if unit == "ns" else f"{factor} us")


def test_values_that_python_has_no_type_for_are_written_as_text(recognizer: Recognizer, tmp_path: Path) -> None:
    times = pa.array([1, None], pa.timestamp("ns"))
    columns = {
        "text": pa.array(["王小明在青山大学工作。"] * 2),
        "time": times,
        "far": pa.array([2**40, 0], pa.timestamp("s")),
        "zone": pa.array([7, None], pa.timestamp("us", tz="Mars/Olympus")),
        "day": pa.array([2**31 - 1, 0], pa.int32()).cast(pa.date32()),
        "local": pa.array([1, None], pa.timestamp("ns", tz="Asia/Shanghai")),
        "kind": times.dictionary_encode(),
        "clock": pa.array([1, None], pa.time64("ns")),
        "span": pa.array([1, None], pa.duration("ns")),
        "map": pa.MapArray.from_arrays([0, 1, 2], pa.array(["a", "b"]), times),
        "times": pa.array([[1], None], pa.list_(pa.timestamp("ns"))),
        "pair": pa.StructArray.from_arrays([pa.array([1, 2]), pa.array(["a", "b"])], names=["same", "same"]),
        "inside": pa.StructArray.from_arrays([times], names=["time"]),
    }
    parquet.write_table(pa.table(columns), tmp_path / "in.parquet")
    do_job(recognizer, [tmp_path / "in.parquet"], tmp_path / "out", Settings())
    first, second = json_rows(tmp_path / "out", "in.parquet")
    nanosecond = "1970-01-01T00:00:00.000000001"
    assert (first["time"], first["times"], first["inside"]) == (nanosecond, [nanosecond], {"time": nanosecond})
    assert (first["far"], first["day"]) == ("1099511627776000 ms", "2147483647 d")
    assert first["zone"] == "7 us"
    assert (first["local"], first["kind"]) == ("1970-01-01T08:00:00.000000001+08:00", nanosecond)
    assert (first["clock"], first["span"]) == ("00:00:00.000000001", "1 ns")
    assert first["map"] == [["a", nanosecond]]
    assert first["pair"] == [["same", 1], ["same", "a"]]
    assert (second["time"], second["zone"], second["times"], second["inside"]) == (None, None, None, {"time": None})
    assert first["entities"] == second["entities"] != []
    assert first["error"] is None


@pytest.mark.parametrize("output_format", ["jsonl", "parquet"])
@pytest.mark.parametrize("kind", [pa.null(), pa.string_view(), pa.binary_view()], ids=str)
def test_parquet_of_null_texts_and_of_views_is_read(
    recognizer: Recognizer, tmp_path: Path, kind: Any, output_format: str
) -> None:
    texts = [None, None] if pa.types.is_null(kind) else ["王小明", None]
    parquet.write_table(pa.table({"text": pa.array(texts).cast(kind)}), tmp_path / "in.parquet")
    do_job(recognizer, [tmp_path / "in.parquet"], tmp_path / "out", Settings(output_format=output_format))
    rows = (parquet_rows if output_format == "parquet" else json_rows)(tmp_path / "out", "in.parquet")
    assert [row["entities"] is None for row in rows] == [text is None for text in texts]
    assert rows[1]["error"] == "'text' is null, no text"


def test_parquet_whose_name_is_not_utf_8_is_read(recognizer: Recognizer, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.parquet")
    parquet.write_table(pa.table({"text": ["王小明"]}), tmp_path / "in.parquet")
    (tmp_path / "in.parquet").rename(path)
    check_columns(input_file(path, PARQUET), Settings())
    assert do_job(recognizer, [path], tmp_path / "out", Settings()) == [(path.name, 0)]


def test_parquet_that_may_not_be_opened_is_told_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    parquet.write_table(pa.table({"text": ["王小明"]}), path)
    path.chmod(0)
    open_to_all(tmp_path)
    with without_rights(), pytest.raises(InputError, match=rf"^{path}: cannot be opened: Permission denied$"):
        check_file(input_file(path, PARQUET), Settings())


def test_parquet_that_finds_no_room_to_be_unpacked_is_not_called_damaged(tmp_path: Path) -> None:
    table = pa.table({"text": [os.urandom(50).hex() for _ in range(900)]})
    parquet.write_table(table, tmp_path / "in.parquet", compression=None)
    path = tmp_path / "in.parquet.gz"
    path.write_bytes(COMPRESS[".gz"]((tmp_path / "in.parquet").read_bytes()))
    with largest_file(9000), pytest.raises(OutputError, match="cannot be unpacked into a temporary file: File too lar"):
        check_file(input_file(path, PARQUET), Settings())


NESTED = 300


@pytest.mark.parametrize("number", ["1", "0.1234567890123456789"])
@pytest.mark.parametrize("begin", ["[", '{"a": '], ids=["lists", "objects"])
def test_a_row_that_is_nested_too_deeply_costs_no_other_row(
    recognizer: Recognizer, tmp_path: Path, begin: str, number: str
) -> None:
    end = "]" if begin == "[" else "}"
    deep = '{"text": "王", "n": ' + begin * NESTED + number + end * NESTED + "}"
    flat = '{"text": "王", "n": [' + "[], " * NESTED + "{}]}"
    (tmp_path / "in.jsonl").write_text(f"{deep}\n{flat}\n", encoding="utf-8")
    do_job(recognizer, [tmp_path / "in.jsonl"], tmp_path / "out", Settings())
    first, second = json_rows(tmp_path / "out", "in.jsonl")
    assert (first["text"], first["error"]) == (deep, "is nested too deeply")
    assert (second["text"], second["error"]) == ("王", None)
