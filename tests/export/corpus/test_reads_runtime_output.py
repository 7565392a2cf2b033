"""Output of the runtime for tools is labelled data that the exporter can read."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import spacy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from spacy.cli.convert import convert
from spacy.tokens import DocBin

from edgener import Entity, Segment
from edgener.lone_surrogates import STAND_INS
from edgener.output_formats import CONLL_STAND_INS, FORMATS, Conll, Look
from edgener.writers import Place
from edgener_export.corpus.reading import read_labelled
from tests.support import TEXTS, names, run_tiny


@given(TEXTS.filter(lambda text: bool(text.strip())), st.data())
def test_rows_of_any_text_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    segment = Segment(0, text, [Entity(start, end, "PER", text[start:end], 1.0)], is_last=True)
    path = tmp_path_factory.getbasetemp() / "written.conll"
    path.write_text(Conll()(Place(None, 1), segment), encoding="utf-8", newline="")
    (sentence,) = read_labelled(path, "bio").sentences
    assert sentence.text == text.translate(CONLL_STAND_INS)
    assert [tuple(span) for span in sentence.spans] == [(start, end, "PER")]


@st.composite
def documents(draw: st.DrawFn) -> list[list[Segment]]:
    """Documents with entities that never overlap, each cut into segments anywhere."""
    found = []
    for text in draw(st.lists(TEXTS.filter(lambda text: bool(text.strip())), min_size=1, max_size=4)):
        cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
        entities = [
            Entity(start, end, draw(st.sampled_from(("PER", "ORG"))), text[start:end], 0.5)
            for start, end in pairwise(cuts)
            if draw(st.booleans())
        ]
        places = sorted({0, len(text), *draw(st.sets(st.integers(0, len(text)), max_size=3))})
        found.append(
            [
                Segment(first, text[first:last], [it for it in entities if first <= it.start < last], last == len(text))
                for first, last in pairwise(places)
            ]
        )
    return found


def spans_of(document: list[Segment]) -> list[tuple[int, int, str]]:
    """Return the entities of a document."""
    return names(entity for segment in document for entity in segment.entities)


def written(output_format: str, found: list[list[Segment]]) -> str:
    """Return the whole output of documents in a format, as the command line writes it."""
    known, look = FORMATS[output_format], Look(labels=("ORG", "PER"))
    writer = known.writer(look)
    pieces = [writer(Place(None, line), segment) for line, document in enumerate(found, 1) for segment in document]
    return known.head(look) + "".join(pieces).removeprefix(known.separator) + known.tail


@settings(max_examples=50)
@given(found=documents())
@pytest.mark.parametrize(
    ("output_format", "read_as"),
    [("doccano", "doccano"), ("label-studio", "label-studio"), ("spacy", "spacy-json"), ("hf", "hf")],
)
def test_documents_of_any_text_come_back_from_what_tools_import(
    tmp_path_factory: pytest.TempPathFactory, output_format: str, read_as: str, found: list[list[Segment]]
) -> None:
    path = tmp_path_factory.getbasetemp() / f"written.{output_format}"
    output = written(output_format, found).replace('"predictions":', '"annotations":')  # as if they were accepted
    path.write_text(output, encoding="utf-8", newline="")
    sentences = read_labelled(path, read_as).sentences
    texts = ["".join(segment.text for segment in document).translate(STAND_INS) for document in found]
    assert [sentence.text for sentence in sentences] == texts
    assert [[tuple(span) for span in sentence.spans] for sentence in sentences] == list(map(spans_of, found))


@settings(max_examples=50)
@given(found=documents().map(lambda found: found[:1]))
def test_brat_s_annotations_belong_to_the_text_beside_them(
    tmp_path_factory: pytest.TempPathFactory, found: list[list[Segment]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.txt"
    text = "".join(segment.text for segment in found[0]).translate(STAND_INS)
    assume(text.strip("\r\n\ufeff"))
    path.write_text(text, encoding="utf-8", newline="")
    path.with_suffix(".ann").write_text(written("brat", found), encoding="utf-8", newline="")
    reading = read_labelled(path, "brat")
    start = 0
    read: list[tuple[int, int, str]] = []
    for sentence in reading.sentences:
        start = text.index(sentence.text, start)
        read.extend((start + span.start, start + span.end, span.label) for span in sentence.spans)
        start += len(sentence.text)
    assert read == spans_of(found[0])


@pytest.mark.parametrize("is_pipe", [False, True], ids=["file", "pipe"])
def test_brat_offsets_count_the_byte_order_mark_of_the_text(tmp_path: Path, is_pipe: bool) -> None:
    path = tmp_path / "written.txt"
    path.write_bytes("\ufeff王小明走了。\r\n他在青山大学工作。\n".encode())
    source = [] if is_pipe else ["--file", str(path)]
    output = run_tiny("--format", "brat", *source, stdin=path.read_bytes()).output.decode()
    path.with_suffix(".ann").write_text(output, encoding="utf-8")
    text = path.read_bytes().decode()
    rows = [line.split("\t") for line in output.splitlines()]
    assert [text[slice(*map(int, place.split()[1:]))] for _, place, _ in rows] == ["王小明", "青山大学"]
    reading = read_labelled(path, "brat")
    assert [sentence.text for sentence in reading.sentences] == ["王小明走了。", "他在青山大学工作。"]
    assert [[tuple(span) for span in sentence.spans] for sentence in reading.sentences] == [
        [(0, 3, "PER")],
        [(2, 6, "ORG")],
    ]


def test_spacy_converts_the_json_itself(tmp_path: Path) -> None:
    text = "王小明 和😀\n在北京"
    entities = [Entity(0, 3, "PER", text[:3], 0.5), Entity(8, 10, "LOC", text[8:], 0.5)]
    found = [[Segment(0, text, entities, True)], [Segment(0, "无", [], True)]]
    path = tmp_path / "written.json"
    path.write_text(written("spacy", found), encoding="utf-8")
    convert(path, tmp_path, file_type="spacy", converter="json", lang="zh", silent=True, morphology=False)
    documents = list(DocBin().from_disk(tmp_path / "written.spacy").get_docs(spacy.blank("zh").vocab))
    assert [document.text for document in documents] == [text, "无"]
    assert [(it.start_char, it.end_char, it.label_) for it in documents[0].ents] == [(0, 3, "PER"), (8, 10, "LOC")]
