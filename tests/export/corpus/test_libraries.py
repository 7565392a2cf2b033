"""Files of spaCy and of the Hugging Face Hub, made by the libraries themselves."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from spacy.tokens import Doc, DocBin
from spacy.tokens import Span as SpacySpan
from spacy.vocab import Vocab

from edgener.tags import Span
from edgener_export.corpus.labelled_file import LEFT_OUT, NOTE, Trouble
from edgener_export.corpus.reading import read_labelled
from edgener_export.corpus.sentence import Sentence
from edgener_export.errors import CorpusError


def document(*words: str) -> Doc:
    return Doc(Vocab(), words=list(words), spaces=[word.isascii() for word in words])


def test_span_groups_count_where_there_are_no_entities(tmp_path: Path) -> None:
    plain, grouped, bare = document("New", "York", "在"), document("北", "京", "大", "学"), document("好")
    plain.set_ents([SpacySpan(plain, 0, 2, label="LOC")])
    grouped.spans["sc"] = [SpacySpan(grouped, 0, 2, label="LOC"), SpacySpan(grouped, 0, 4, label="ORG")]
    DocBin(docs=[plain, grouped, bare]).to_disk(tmp_path / "a.spacy")
    reading = read_labelled(tmp_path / "a.spacy")
    assert reading.sentences == [
        Sentence("New York 在", (Span(0, 8, "LOC"),)),
        Sentence("北京大学", (Span(0, 4, "ORG"),)),
    ]
    assert [(trouble.line, trouble.kind) for trouble in reading.troubles] == [(2, NOTE), (2, LEFT_OUT), (3, LEFT_OUT)]
    assert "overlaps a longer name" in reading.troubles[1].reason
    assert "no entity annotation" in reading.troubles[2].reason


def test_a_document_without_entities_takes_no_spans_of_other_groups(tmp_path: Path) -> None:
    empty, several = document("京", "城"), document("好", "的")
    empty.set_ents([])
    empty.spans["np"] = [SpacySpan(empty, 0, 2, label="NP")]
    several.spans["np"] = [SpacySpan(several, 0, 2, label="NP")]
    several.spans["vp"] = [SpacySpan(several, 0, 1, label="VP")]
    DocBin(docs=[empty, several]).to_disk(tmp_path / "a.spacy")
    reading = read_labelled(tmp_path / "a.spacy")
    assert reading.sentences == [Sentence("京城", ())]
    assert "no entity annotation" in reading.troubles[-1].reason


def test_annotations_that_are_no_entities_are_told(tmp_path: Path) -> None:
    found = document("北", "京", "大", "学")
    city, school = SpacySpan(found, 0, 2, label="LOC"), SpacySpan(found, 2, 4, label="ORG")
    found.set_ents([city])
    found.spans["sc"] = [city, school]
    found.spans["same"] = [city]
    grouped = document("京", "城")
    grouped.spans["sc"] = [SpacySpan(grouped, 0, 1, label="LOC")]
    grouped.spans["more"] = [SpacySpan(grouped, 1, 2, label="X"), SpacySpan(grouped, 0, 2, label="Y")]
    grouped.cats = {"a": 1.0, "b": 0.0}
    DocBin(docs=[found, grouped]).to_disk(tmp_path / "a.spacy")
    reading = read_labelled(tmp_path / "a.spacy")
    assert [sentence.spans for sentence in reading.sentences] == [(Span(0, 2, "LOC"),), (Span(0, 1, "LOC"),)]
    assert reading.troubles == [
        Trouble(1, "1 spans of the group 'sc' are left out", LEFT_OUT),
        Trouble(2, "entities are those of the span group 'sc'", NOTE),
        Trouble(2, "2 spans of the group 'more' are left out", LEFT_OUT),
        Trouble(2, "2 categories of the text are left out", LEFT_OUT),
    ]


def test_a_document_of_which_some_tokens_are_not_annotated_is_left_out(tmp_path: Path) -> None:
    partly, whole = document("王", "在", "京"), document("王", "在")
    partly.set_ents([SpacySpan(partly, 0, 1, label="PER")], default="missing")
    whole.set_ents([SpacySpan(whole, 0, 1, label="PER")])
    DocBin(docs=[partly, whole]).to_disk(tmp_path / "a.spacy")
    reading = read_labelled(tmp_path / "a.spacy")
    assert reading.sentences == [Sentence("王在", (Span(0, 1, "PER"),))]
    reason = "2 of 3 tokens have no entity annotation; the document is left out"
    assert reading.troubles == [Trouble(1, reason, LEFT_OUT)]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [("a.spacy", b"x\x9cdamaged", "is no "), ("a.parquet", b"PAR1 but no more", "cannot be read as Parquet: ")],
)
def test_damaged_files_are_refused(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=f"{name}: {told}"):
        read_labelled(tmp_path / name)


@pytest.mark.parametrize(("name", "library"), [("a.spacy", "spacy"), ("a.parquet", "pyarrow")])
def test_a_missing_library_is_named_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, library: str
) -> None:
    (tmp_path / name).write_bytes(b"")
    find_spec = importlib.util.find_spec
    for module in ("spacy_docbin", "huggingface_parquet"):
        monkeypatch.setattr(
            f"edgener_export.corpus.formats.{module}.find_spec",
            lambda wanted: None if wanted == library else find_spec(wanted),
        )
    with pytest.raises(CorpusError, match=r"pip install '\.\[export,formats\]' in a clone"):
        read_labelled(tmp_path / name)


def test_tag_numbers_of_parquet_are_named_in_its_schema_or_refused(tmp_path: Path) -> None:
    rows = pa.table({"tokens": [["京"]], "ner_tags": [[1]]})
    pq.write_table(rows, tmp_path / "a.parquet")
    with pytest.raises(CorpusError, match=r"a.parquet:1: .*numbers without names"):
        read_labelled(tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["京"]}), tmp_path / "b.parquet")
    with pytest.raises(
        CorpusError, match=r"b.parquet: expected columns tokens and ner_tags, both of lists; it has text \(string"
    ):
        read_labelled(tmp_path / "b.parquet")


def test_tag_numbers_of_parquet_are_named_beside_the_file(tmp_path: Path) -> None:
    features = {"ner_tags": {"feature": {"names": ["O", "B-LOC"], "_type": "ClassLabel"}, "_type": "Sequence"}}
    (tmp_path / "dataset_info.json").write_text(json.dumps({"features": features}), "utf-8")
    rows = pa.table({"tokens": [["京"]], "pos_tags": [[7]], "ner_tags": [[1]], "id": ["1"]})
    for metadata in ({}, {"huggingface": json.dumps({"info": {"features": {"ner_tags": {"feature": ["x"]}}}})}):
        pq.write_table(rows.replace_schema_metadata(metadata), tmp_path / "a.parquet")
        reading = read_labelled(tmp_path / "a.parquet")
        assert reading.sentences == [Sentence("京", (Span(0, 1, "LOC"),))]
        assert reading.troubles == [Trouble(1, "the tags are those of ner_tags; pos_tags not read", NOTE)]


def test_columns_of_parquet_that_are_not_read_may_hold_what_python_has_no_type_for(tmp_path: Path) -> None:
    nanoseconds = pa.array([1], pa.timestamp("ns"))
    pq.write_table(pa.table({"tokens": [["京"]], "ner_tags": [["S-LOC"]], "seen": nanoseconds}), tmp_path / "a.parquet")
    assert [sentence.text for sentence in read_labelled(tmp_path / "a.parquet").sentences] == ["京"]
