"""Exports of annotation tools: offsets in the tool's unit, and nothing left out that is not told."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from edgener.tags import Span
from edgener_export.corpus.labelled_file import LEFT_OUT, NOTE, Trouble
from edgener_export.corpus.reading import Reading, read_labelled
from edgener_export.corpus.sentence import Sentence
from edgener_export.errors import CorpusError

EMOJI = Sentence("😀王小明在京", (Span(1, 4, "PER"), Span(5, 6, "LOC")))
IN_UTF_16 = [[2, 5, "PER"], [6, 7, "LOC"]]
IN_BYTES = [[4, 13, "PER"], [16, 19, "LOC"]]
UTF_16_NOTE = Trouble(1, "offsets are read as UTF-16 code units; --offsets names another unit", NOTE)
BYTES_NOTE = Trouble(1, "offsets are read as bytes of UTF-8; --offsets names another unit", NOTE)


def read(directory: Path, rows: Any, format_name: str = "auto", offsets: str = "auto") -> Reading:
    path = directory / "data.json"
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1 if isinstance(rows, list) else None), "utf-8")
    return read_labelled(path, format_name, offsets=offsets)


def task(text: str, *values: tuple[int, int, str | None, str], **more: Any) -> dict[str, Any]:
    """A task of Label Studio with one annotation."""
    results = [
        {"type": "labels", "value": {"start": start, "end": end, "labels": [label]} | ({"text": name} if name else {})}
        for start, end, name, label in values
    ]
    return {"data": {"text": text}, "annotations": [{"result": results}], **more}


def test_doccano_counts_utf_16_code_units(tmp_path: Path) -> None:
    row = {"text": EMOJI.text, "label": IN_UTF_16}
    reading = read(tmp_path, row)
    assert reading.sentences == [EMOJI]
    assert reading.troubles == [UTF_16_NOTE]
    assert read(tmp_path, row, offsets="utf-16").troubles == []
    by_code_points = {"text": EMOJI.text, "label": [list(span) for span in EMOJI.spans]}
    assert read(tmp_path, by_code_points, offsets="characters").sentences == [EMOJI]
    with pytest.raises(CorpusError, match=r"data.json:1: PER at 1 to 4 .*cuts a character; .*--offsets"):
        read(tmp_path, by_code_points)


def test_doccano_relations_are_left_out_and_told(tmp_path: Path) -> None:
    entity = {"id": 1, "label": "PER", "start_offset": 0, "end_offset": 1}
    reading = read(tmp_path, {"text": "王京", "entities": [entity], "relations": [{"id": 1}, {"id": 2}]})
    assert reading.sentences == [Sentence("王京", (Span(0, 1, "PER"),))]
    assert reading.troubles == [Trouble(1, "2 relations are left out", LEFT_OUT)]


@pytest.mark.parametrize("key", ["label", "labels"])
def test_an_array_of_doccano_rows_keeps_its_labels(tmp_path: Path, key: str) -> None:
    as_objects = [{"start_offset": start, "end_offset": end, "label": label} for start, end, label in IN_UTF_16]
    for labels in (IN_UTF_16, as_objects):
        reading = read(tmp_path, [{"text": EMOJI.text, key: labels}, {"text": "好", key: []}])
        assert reading.format == "doccano"
        assert reading.sentences == [EMOJI, Sentence("好", ())]


@pytest.mark.parametrize("label", [[0, 1, "PER"], {"start_offset": 0, "end_offset": 1, "label": "PER"}])
def test_labels_of_doccano_in_later_rows_are_no_text_without_entities(tmp_path: Path, label: Any) -> None:
    rows = [{"text": "好", "label": []}, {"text": "王", "label": [label]}]
    with pytest.raises(CorpusError, match=r"data.json:6: expected .*a region is .*: --from doccano"):
        read(tmp_path, rows)
    assert read(tmp_path, rows, "doccano").sentences == [Sentence("好", ()), Sentence("王", (Span(0, 1, "PER"),))]


def test_doccano_with_categories_counts_utf_16_code_units(tmp_path: Path) -> None:
    reading = read(tmp_path, {"id": 1, "text": EMOJI.text, "cats": ["a", "b"], "entities": IN_UTF_16})
    assert reading.format == "doccano"
    assert reading.sentences == [EMOJI]
    assert reading.troubles == [Trouble(1, "2 categories of the text are left out", LEFT_OUT), UTF_16_NOTE]


def test_offsets_that_are_read_as_code_points_are_told_where_it_makes_a_difference(tmp_path: Path) -> None:
    note = Trouble(1, "offsets are read as code points; --offsets names another unit", NOTE)
    places = [list(span) for span in EMOJI.spans]
    row = {"text": EMOJI.text, "entities": places}
    assert read(tmp_path, row).troubles == [note]
    assert read(tmp_path, row, offsets="characters").troubles == []
    assert [found.reason for found in read(tmp_path, [[EMOJI.text, {"entities": places}]]).troubles] == [note.reason]
    after = {"text": "京😀", "entities": [[0, 1, "LOC"]]}
    assert read(tmp_path, after).troubles == []
    own = [{"start": start, "end": end, "label": label} for start, end, label in places]
    assert read(tmp_path, {"text": EMOJI.text, "entities": own}).troubles == []


@pytest.mark.parametrize(
    ("places", "troubles"), [(IN_UTF_16, [UTF_16_NOTE]), (IN_BYTES, [BYTES_NOTE]), ([[1, 4, "PER"], [5, 6, "LOC"]], [])]
)
def test_the_texts_of_the_entities_decide_what_offsets_count(
    tmp_path: Path, places: list[Any], troubles: list[Trouble]
) -> None:
    names = ["王小明", "京"]
    values = [(start, end, name, label) for (start, end, label), name in zip(places, names, strict=True)]
    entities = [{"start": start, "end": end, "text": name, "label": label} for start, end, name, label in values]
    own = read(tmp_path, {"text": EMOJI.text, "entities": entities})
    assert own.sentences == [EMOJI]
    assert own.troubles == troubles
    label_studio = read(tmp_path, [task(EMOJI.text, *values)])
    assert label_studio.sentences == [EMOJI]
    assert [trouble.reason for trouble in label_studio.troubles] == [trouble.reason for trouble in troubles]


def test_label_studio_without_texts_counts_utf_16_code_units(tmp_path: Path) -> None:
    reading = read(tmp_path, [task(EMOJI.text, (2, 5, None, "PER"), (6, 7, None, "LOC"))])
    assert reading.sentences == [EMOJI]


def test_label_studio_leaves_out_what_is_not_labelled_and_tells_it(tmp_path: Path) -> None:
    first = {"result": task("", (0, 1, "王", "PER"))["annotations"][0]["result"]}
    rows = [
        {"data": {"text": "京"}, "annotations": []},
        {"data": {"text": "城"}, "annotations": [{"was_cancelled": True, "result": []}]},
        {"data": {"id": 7, "words": "王明"}, "annotations": [{"was_cancelled": True, "result": []}, first, first]},
        task("好", (0, 1, "好", "X"))
        | {"annotations": [{"result": [{"type": "choices", "value": {"choices": ["a"]}}]}]},
        {"data": {"text": "无"}, "annotations": [{"result": []}]},
    ]
    reading = read(tmp_path, rows)
    assert reading.format == "label-studio"
    assert reading.sentences == [Sentence("王明", (Span(0, 1, "PER"),)), Sentence("好", ()), Sentence("无", ())]
    assert [(trouble.reason, trouble.kind) for trouble in reading.troubles] == [
        ("the task has no annotation and is left out", LEFT_OUT),
        ("the task has no annotation and is left out", LEFT_OUT),
        ("1 further annotations of the task are left out", LEFT_OUT),
        ("1 results that are no labels are left out (choices)", LEFT_OUT),
    ]
    lines = (tmp_path / "data.json").read_text("utf-8").splitlines()
    assert [lines[line - 1].strip() for line in reading.lines] == ["{"] * 3
    assert '"words": "王明"' in "\n".join(lines[reading.lines[0] - 1 : reading.lines[1] - 1])


def test_a_region_with_two_labels_keeps_one_and_tells_it(tmp_path: Path) -> None:
    row = {"text": "王", "label": [{"start": 0, "end": 1, "text": "王", "labels": ["PER", "ORG"]}]}
    reading = read(tmp_path, [row])
    assert reading.sentences == [Sentence("王", (Span(0, 1, "ORG"),))]
    assert reading.troubles == [Trouble(2, "PER '王' overlaps an equally long name and is left out", LEFT_OUT)]


def min_row(number: int, **more: Any) -> dict[str, Any]:
    """A row of JSON-MIN that somebody submitted."""
    return {"id": number, "annotator": 1, "annotation_id": number, "created_at": "2026-01-02", **more}


def test_each_row_of_json_min_is_read_or_told(tmp_path: Path) -> None:
    rows = [
        min_row(1, text="好"),
        min_row(2, text="王明", ner=[{"start": 0, "end": 2, "text": "王明", "labels": ["PER"]}]),
        min_row(3, text="京城", ner=[{"start": 0, "end": 1, "text": "京", "labels": []}, {"start": 0, "end": 1}]),
        {"id": 4, "text": "无"},
    ]
    reading = read(tmp_path, rows)
    assert reading.format == "label-studio"
    assert reading.sentences == [
        Sentence("好", ()),
        Sentence("王明", (Span(0, 2, "PER"),)),
        Sentence("京城", ()),
    ]
    assert [(trouble.reason, trouble.kind) for trouble in reading.troubles] == [
        ("1 results that are no labels are left out", LEFT_OUT),
        ("1 regions without a label are left out", LEFT_OUT),
        ("the task has no annotation and is left out", LEFT_OUT),
    ]
    assert read(tmp_path, rows[1:2]).sentences == reading.sentences[1:2]


def test_a_region_without_a_label_is_told(tmp_path: Path) -> None:
    row = task("京", (0, 1, "京", "LOC"))
    row["annotations"][0]["result"].append({"type": "labels", "value": {"start": 0, "end": 1, "labels": []}})
    reading = read(tmp_path, [row])
    assert reading.sentences == [Sentence("京", (Span(0, 1, "LOC"),))]
    assert reading.troubles == [Trouble(2, "1 regions without a label are left out", LEFT_OUT)]


def shown(to_name: str, start: int, end: int, name: str | None, label: str) -> dict[str, Any]:
    """A region of the object ``to_name``."""
    value = {"start": start, "end": end, "labels": [label]} | ({"text": name} if name else {})
    return {"type": "labels", "from_name": "label", "to_name": to_name, "value": value}


def of_objects(data: dict[str, str], *results: dict[str, Any]) -> dict[str, Any]:
    """A task of several strings."""
    return {"data": data, "annotations": [{"result": list(results)}]}


def test_regions_are_in_the_string_in_which_their_texts_stand(tmp_path: Path) -> None:
    rows = [
        of_objects({"text": "王明到", "head": "京城"}, shown("a", 0, 2, "王明", "PER"), shown("b", 0, 1, "京", "LOC")),
        of_objects({"text": "京京", "head": "京京"}, shown("a", 0, 1, "京", "X"), shown("b", 1, 2, "京", "Y")),
        of_objects({"text": "好", "head": "无"}),
    ]
    assert read(tmp_path, rows).sentences == [
        Sentence("王明到", (Span(0, 2, "PER"),)),
        Sentence("京城", (Span(0, 1, "LOC"),)),
        Sentence("京京", (Span(0, 1, "X"),)),
        Sentence("京京", (Span(1, 2, "Y"),)),
        Sentence("好", ()),
        Sentence("无", ()),
    ]


def test_the_name_of_an_object_decides_where_its_texts_do_not(tmp_path: Path) -> None:
    data = {"text": "王明来了", "title": "王明来了"}
    for name in (None, "王明"):
        title = of_objects({**data, "title": "王明"}, shown("title", 0, 2, name, "PER"))
        assert [found.text for found in read(tmp_path, [title]).sentences] == ["王明"]
        body = of_objects(data, shown("anything", 0, 2, name, "PER"))
        assert [found.text for found in read(tmp_path, [body]).sentences] == ["王明来了"]
    unclear = of_objects(data, shown("a", 0, 1, None, "PER"), shown("b", 0, 1, None, "PER"))
    with pytest.raises(CorpusError, match=r"data.json:2: .*strings text, title, .*rename that one a in the file"):
        read(tmp_path, [unclear])


def test_two_other_strings_are_told_apart_by_the_regions(tmp_path: Path) -> None:
    rows = [
        of_objects({"url": "x", "content": "好"}),
        of_objects({"url": "y", "content": "在京"}, shown("text", 1, 2, "京", "LOC")),
    ]
    assert read(tmp_path, rows).sentences == [Sentence("好", ()), Sentence("在京", (Span(1, 2, "LOC"),))]
    wrong = of_objects({"url": "z", "content": "在京"}, shown("text", 0, 1, "京", "LOC"))
    with pytest.raises(CorpusError, match=r"data.json:\d+: '京' does not stand at 0 to 1"):
        read(tmp_path, [*rows, wrong])


def test_a_file_without_any_labelled_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"data.json: holds no sentence: the task has no annotation"):
        read(tmp_path, [{"data": {"text": "京"}, "annotations": []}])


@pytest.mark.parametrize(
    ("rows", "format_name", "message"),
    [
        ([task("京", (0, 1, "城", "LOC"))], "auto", r"data.json:2: '城' does not stand at 0 to 1; .*--offsets"),
        ([task("京", (0, 2, None, "LOC"))], "auto", "data.json:2: LOC at 0 to 2 .*leaves the text"),
        (
            [{"data": {"a": "x", "b": "y"}, "annotations": [{"result": []}]}],
            "auto",
            "data.json:2: .*strings a, b, .*rename that one text",
        ),
        ([{"data": {"text": "x"}, "annotations": [{}]}], "auto", "data.json:2: expected .*result"),
        ({"text": "京", "label": [[0, 1]]}, "auto", "data.json:1: expected .*label"),
        ({"text": "京", "label": [["0", 1, "L"]]}, "doccano", "data.json:1: .*whole numbers"),
        ([["京", {"entities": [[0, 2, "LOC"]]}]], "auto", "data.json:2: LOC at 0 to 2"),
        ([["京", {"ents": []}]], "spacy-json", "data.json:2: expected .*entities"),
        ({"a": 1}, "spacy-json", r"data.json:1: expected a JSON array"),
        ([{"tokens": ["京"], "ner_tags": ["O", "O"]}], "auto", "data.json:2: .*1 tokens, but the tags are"),
        ([{"tokens": ["京"], "ner_tags": [1]}], "auto", "data.json:2: .*put the dataset's dataset_info.json"),
        ([{"tokens": ["京"], "ner_tags": ["X"]}], "auto", "data.json:2: .*unknown tag 'X'"),
        ([{"tokens": ["京", ""], "ner_tags": ["O", "O"]}], "auto", "data.json:2: .*hold a character at least"),
        ([{"tokens": ["京", "城"], "ner_tags": ["M-X", "L-X"]}], "auto", "data.json:1: the letters of the tags"),
        (
            {"text": "京", "entities": [], "tokens": ["京"], "tags": ["O"]},
            "auto",
            "may be hf and jsonl; name one: --from",
        ),
        ({"text": "京", "entities": [], "label": []}, "auto", "may be doccano and jsonl; name one: --from"),
    ],
)
def test_malformed_rows_are_named_by_line(tmp_path: Path, rows: Any, format_name: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, rows, format_name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[\n{"text": "京", "entities": []}\n{"text"', "data.json:3: expected a comma or ]"),
        ('[\n{"text": "京", "entities": []},\n]', "data.json:3: expected a JSON value"),
        ('[\n{"text": "京", "entities": []}\n]\n\nx', "data.json:5: expected nothing after the array"),
        ('[\n{"text": "京", "entities": []}', "data.json:2: expected a comma or ]"),
        ("[" * 100_000, "data.json:1: expected "),
        ('{"text": "京", "entities": []}\n' + "[" * 100_000, "data.json:2: expected "),
    ],
)
def test_broken_json_is_named_by_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "data.json").write_text(content, "utf-8")
    with pytest.raises(CorpusError, match=message):
        read_labelled(tmp_path / "data.json", "jsonl")


def test_spacy_2_paragraphs_keep_their_text_and_leave_out_what_is_not_labelled(tmp_path: Path) -> None:
    def paragraph(raw: str | None, *tokens: tuple[str, str]) -> dict[str, Any]:
        words = [{"orth": orth, "ner": ner} for orth, ner in tokens]
        return {"sentences": [{"tokens": words}]} | ({"raw": raw} if raw is not None else {})

    paragraphs = [
        paragraph("New  York 在", ("New", "B-LOC"), ("York", "L-LOC"), ("在", "O")),
        paragraph(None, ("New", "B-LOC"), ("York", "L-LOC"), ("在", "O")),
        paragraph("京", ("京", "-")),
    ]
    reading = read(tmp_path, [{"id": 0, "paragraphs": paragraphs}])
    assert reading.format == "spacy-json"
    assert reading.sentences == [
        Sentence("New  York 在", (Span(0, 9, "LOC"),)),
        Sentence("New York在", (Span(0, 8, "LOC"),)),
    ]
    assert [trouble.kind for trouble in reading.troubles] == [LEFT_OUT]
    with pytest.raises(CorpusError, match=r"data.json:2: .*token '城' does not come next in the raw text"):
        read(tmp_path, [{"paragraphs": [paragraph("京", ("城", "O"))]}])
    with pytest.raises(CorpusError, match=r"data.json:2: .*token 2 of 2 is empty"):
        read(tmp_path, [{"paragraphs": [paragraph(None, ("京", "O"), ("", "U-PER"))]}])


def test_other_annotations_of_spacy_are_told(tmp_path: Path) -> None:
    annotations = {"spans": {"sc": [[0, 1, "X"], [1, 2, "Y"]]}, "links": {"(0, 1)": {"Q1": 1.0}}, "cats": {"a": 1.0}}
    reading = read(tmp_path, [["京城", {"entities": [[0, 1, "LOC"]], **annotations}], ["好", {"entities": []}]])
    assert [sentence.spans for sentence in reading.sentences] == [(Span(0, 1, "LOC"),), ()]
    assert [(trouble.reason, trouble.kind) for trouble in reading.troubles] == [
        ("2 spans are left out", LEFT_OUT),
        ("1 links are left out", LEFT_OUT),
        ("1 categories of the text are left out", LEFT_OUT),
    ]
    categories = [{"label": "a", "value": 1.0}, {"label": "b", "value": 0.0}]
    reading = read(
        tmp_path, [{"paragraphs": [{"sentences": [{"tokens": [{"orth": "京", "ner": "O"}]}], "cats": categories}]}]
    )
    assert [trouble.reason for trouble in reading.troubles] == ["2 categories of the text are left out"]


def test_a_paragraph_of_spacy_that_nobody_annotated_is_left_out_unless_it_has_its_entities_as_spans(
    tmp_path: Path,
) -> None:
    tokens = [{"tokens": [{"orth": "京"}, {"orth": "城"}]}]
    labelled = {"raw": "京城", "sentences": tokens, "entities": [[0, 1, "LOC"]]}
    reading = read(tmp_path, [{"paragraphs": [{"raw": "京城", "sentences": tokens}, labelled]}])
    assert reading.sentences == [Sentence("京城", (Span(0, 1, "LOC"),))]
    assert [trouble.reason for trouble in reading.troubles] == [
        "2 tokens have no entity annotation; the paragraph is left out"
    ]


@pytest.mark.parametrize("kind", ["hypertextlabels", "paragraphlabels"])
def test_a_task_with_labels_that_are_not_read_is_no_text_without_entities(tmp_path: Path, kind: str) -> None:
    value = {"start": "/p[1]/text()[1]", "startOffset": 0, "end": "/p[1]/text()[1]", "endOffset": 1, kind: ["PER"]}
    html = {"data": {"text": "<p>王</p>"}, "annotations": [{"result": [{"type": kind, "value": value}]}]}
    reading = read(tmp_path, [html, task("王明", (0, 2, None, "PER"))])
    assert reading.sentences == [Sentence("王明", (Span(0, 2, "PER"),))]
    assert reading.troubles[0].reason.startswith(f"the task has {kind}, which are not read, and is left out")
    plain = {"text": "王明", "label": [{"start": 0, "end": 2, "labels": ["PER"]}]}
    reading = read(tmp_path, [plain, {"text": "<p>王</p>", "label": [value]}], "label-studio")
    assert reading.sentences == [Sentence("王明", (Span(0, 2, "PER"),))]


def test_labels_of_an_image_leave_those_of_the_text(tmp_path: Path) -> None:
    both = task("王明", (0, 2, None, "PER"))
    image = {"type": "rectanglelabels", "value": {"x": 1, "y": 2, "rectanglelabels": ["CAR"]}}
    both["annotations"][0]["result"].append(image)
    reading = read(tmp_path, [both])
    assert reading.sentences == [Sentence("王明", (Span(0, 2, "PER"),))]
    assert [trouble.reason for trouble in reading.troubles] == [
        "1 results that are no labels are left out (rectanglelabels)"
    ]


def test_the_ground_truth_of_a_task_counts_before_other_annotations(tmp_path: Path) -> None:
    annotated = task("王明", (0, 2, None, "PER"))
    truth = {**annotated["annotations"][0], "ground_truth": True}
    reading = read(tmp_path, [{**annotated, "annotations": [{"result": []}, truth]}])
    assert reading.sentences == [Sentence("王明", (Span(0, 2, "PER"),))]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            '{"text": "王", "entities": [[0, 1, "PER"]], "entities": []}',
            "the key 'entities' stands twice in one object",
        ),
        (
            '{"text": "王", "label": {"name": {"王": [[0, 0]]}, "name": {}}}',
            "the key 'name' stands twice in one object",
        ),
        ('[{"text": "王", "entities": [], "text": "明"}]', "the key 'text' stands twice in one object"),
        ('{"text": "王", "entities": [[0, 1]]}', "an entity is [0, 1], not [start, end, type]"),
        ('[["王", {"entities": [[0, 1]]}]]', "an entity is [0, 1], not [start, end, type]"),
        ('{"text": "王", "label": [[0]]}', "an entity is [0], not [start, end, type]"),
        ('{"text": "王", "entities": {"PER": 1}}', "something is not where it should be"),
        ('{"text": "王", "entities": null}', "something is not where it should be"),
        ('[{"paragraphs": [{"sentences": [{"tokens": [{"orth": "京", "ner": null}]}]}]}]', "something is not where"),
    ],
)
def test_rows_that_would_lose_labels_or_are_misshapen_are_refused_in_plain_words(
    tmp_path: Path, row: str, message: str
) -> None:
    (tmp_path / "data.json").write_text(row, "utf-8")
    with pytest.raises(CorpusError, match=rf"data.json:1: .*{re.escape(message)}"):
        read_labelled(tmp_path / "data.json")


def test_relations_of_doccano_that_are_null_are_none(tmp_path: Path) -> None:
    row = {"text": "王明", "label": [[0, 2, "PER"]], "relations": None, "cats": None}
    reading = read(tmp_path, row, "doccano")
    assert (reading.sentences, reading.troubles) == ([Sentence("王明", (Span(0, 2, "PER"),))], [])


@pytest.mark.parametrize(
    "description",
    [
        {"features": [{"name": "tags", "sequence": {"class_label": {"names": {"0": "O", "1": "B-X"}}}}]},
        {"default": {"features": {"tags": {"feature": {"names": ["O", "B-X"]}}}}},
    ],
    ids=["as in a card", "of a configuration"],
)
def test_tag_names_are_found_in_every_shape_of_a_description(tmp_path: Path, description: Any) -> None:
    (tmp_path / "dataset_info.json").write_text(json.dumps(description), "utf-8")
    assert read(tmp_path, {"tokens": ["王"], "tags": [1]}).sentences == [Sentence("王", (Span(0, 1, "X"),))]


def test_numbered_tag_names_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    names = {str(number): "O" if number == 0 else f"B-T{number:02}" for number in range(12)}
    by_key = dict(sorted(names.items()))
    description = {"features": {"tags": {"class_label": {"names": by_key}}}}
    (tmp_path / "dataset_info.json").write_text(json.dumps(description), "utf-8")
    row = {"tokens": ["王", "明"], "tags": [2, 10]}
    assert read(tmp_path, row).sentences == [Sentence("王明", (Span(0, 1, "T02"), Span(1, 2, "T10")))]
    del by_key["3"]
    (tmp_path / "dataset_info.json").write_text(json.dumps(description), "utf-8")
    with pytest.raises(CorpusError, match=r"dataset_info.json: .*names of its 11 tags have no number 3"):
        read(tmp_path, row)


def test_tag_numbers_are_named_by_the_description_beside_the_file(tmp_path: Path) -> None:
    names = {"features": {"tags": {"feature": {"names": ["O", "B-X", "I-X"]}}}}
    (tmp_path / "dataset_info.json").write_text(json.dumps(names), "utf-8")
    reading = read(tmp_path, {"tokens": ["王", "明"], "tags": [1, 2]})
    assert reading.sentences == [Sentence("王明", (Span(0, 2, "X"),))]
    with pytest.raises(CorpusError, match=r"data.json:1: .*tag 3 is none of the 3 that the dataset names"):
        read(tmp_path, {"tokens": ["王"], "tags": [3]})
    bracketed = {"features": {"tags": [{"names": ["O", "B-Y"], "_type": "ClassLabel"}]}}
    (tmp_path / "dataset_info.json").write_text(json.dumps(bracketed), "utf-8-sig")
    assert read(tmp_path, {"tokens": ["王"], "tags": [1]}).sentences == [Sentence("王", (Span(0, 1, "Y"),))]
    (tmp_path / "dataset_info.json").write_text("{", "utf-8")
    assert read(tmp_path, {"tokens": ["王"], "tags": ["B-Y"]}).sentences == [Sentence("王", (Span(0, 1, "Y"),))]
    with pytest.raises(CorpusError, match=r"dataset_info.json: is no description of a dataset"):
        read(tmp_path, {"tokens": ["王"], "tags": [3]})


def test_of_several_columns_that_of_entities_is_read_and_the_others_are_told(tmp_path: Path) -> None:
    columns = {"id": "1", "tokens": ["王", "在"], "tags": ["B-NR", "B-P"], "pos_tags": [1, 2]}
    for column in ("ner", "ner_tags"):
        reading = read(tmp_path, {**columns, column: ["B-PER", "O"]})
        assert reading.sentences == [Sentence("王在", (Span(0, 1, "PER"),))]
        assert reading.troubles == [Trouble(1, f"the tags are those of {column}; tags, pos_tags not read", NOTE)]
    assert read(tmp_path, {"id": "1", "tokens": ["王"], "tags": ["O"]}).troubles == []


def test_a_row_without_the_column_of_the_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text(
        '{"tokens": ["王"], "ner_tags": ["B-PER"]}\n{"tokens": ["王"], "tags": ["B-NR"]}\n', "utf-8"
    )
    with pytest.raises(CorpusError, match=r"data.jsonl:2: expected .*ner_tags"):
        read_labelled(tmp_path / "data.jsonl")
