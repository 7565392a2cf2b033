"""Each output format holds every row once, with the library's entities and all that the input said of it."""

from __future__ import annotations

import json
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
from edgener.errors import InputError
from tests.runtime.corpora.support import SMALL, do_job, input_file, json_rows, spans
from tests.support import TEXTS, labelled_texts

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


def test_values_that_python_has_no_type_for_are_written_as_text(recognizer: Recognizer, tmp_path: Path) -> None:
    times = pa.array([1, None], pa.timestamp("ns"))
    columns = {
        "text": pa.array(["王小明在青山大学工作。"] * 2),
        "time": times,
        "far": pa.array([2**40, 0], pa.timestamp("s")),
        "zone": pa.array([7, None], pa.timestamp("us", tz="Mars/Olympus")),
        "times": pa.array([[1], None], pa.list_(pa.timestamp("ns"))),
        "pair": pa.StructArray.from_arrays([pa.array([1, 2]), pa.array(["a", "b"])], names=["same", "same"]),
        "inside": pa.StructArray.from_arrays([times], names=["time"]),
    }
    parquet.write_table(pa.table(columns), tmp_path / "in.parquet")
    do_job(recognizer, [tmp_path / "in.parquet"], tmp_path / "out", Settings())
    first, second = json_rows(tmp_path / "out", "in.parquet")
    nanosecond = "1970-01-01 00:00:00.000000001"
    assert (first["time"], first["times"], first["inside"]) == (nanosecond, [nanosecond], {"time": nanosecond})
    assert str(2**40) in first["far"] or first["far"].startswith("36812-")
    assert first["zone"] == 7
    assert first["pair"] == [["same", 1], ["same", "a"]]
    assert (second["time"], second["zone"], second["times"], second["inside"]) == (None, None, None, {"time": None})
    assert first["entities"] == second["entities"] != []
    assert first["error"] is None
