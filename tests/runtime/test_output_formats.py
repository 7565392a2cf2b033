"""Each output format holds the entities, and for people and CoNLL tools the text, whole."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgener import Entity, Recognizer, Segment
from edgener.errors import UsageError
from edgener.output_formats import CONLL_STAND_INS, FORMATS, Look, require_format
from edgener.writers import Place
from tests.support import TEXTS, in_pieces, labelled_texts

TEXT = "王小明在青山大学"
SEGMENTS = (
    Segment(0, TEXT[:2], [Entity(0, 3, "PER", TEXT[:3], 0.98765)], is_last=False),
    Segment(2, TEXT[2:], [Entity(4, 8, "TEAM", TEXT[4:], 0.5)], is_last=True),
)
LONG_TEXTS = st.lists(st.sampled_from([row.text for row in labelled_texts()]) | TEXTS, max_size=20).map("".join)
COLOUR = re.compile("\x1b\\[[0-9;]*m")


def written(output_format: str, *segments: Segment, colour: bool = False, file: str | None = None) -> str:
    """All that a writer makes of a document."""
    writer = FORMATS[output_format].writer(Look(labels=("LOC", "ORG", "PER", "TEAM"), colour=colour))
    return "".join(writer(Place(file, 7), segment) for segment in segments)


def test_json_lines() -> None:
    assert written("jsonl", *SEGMENTS) == (
        '{"line": 7, "entities": ['
        '{"start": 0, "end": 3, "label": "PER", "text": "王小明", "score": 0.9877}, '
        '{"start": 4, "end": 8, "label": "TEAM", "text": "青山大学", "score": 0.5}]}\n'
    )


def test_json_lines_name_the_file() -> None:
    assert written("jsonl", Segment(0, "", [], is_last=True), file='a"b') == (
        '{"file": "a\\"b", "line": 7, "entities": []}\n'
    )


def test_conll() -> None:
    rows = ["王 B-PER", "小 I-PER", "明 I-PER", "在 O", "青 B-TEAM", "山 I-TEAM", "大 I-TEAM", "学 I-TEAM"]
    assert written("conll", *SEGMENTS) == "\n".join([*rows, "", ""])


SEPARATORS = [chr(code) for code in range(0x110000) if len(f"a{chr(code)}b".splitlines()) > 1]
"""Every character that some program takes for the end of a line."""


@pytest.mark.parametrize(
    "character", [*SEPARATORS, "\t", "\x1f", "\r\n"], ids=lambda character: character.encode("utf-8").hex()
)
def test_conll_rows_have_two_columns_whatever_separates_the_text(character: str) -> None:
    entity = Entity(0, 2 + len(character), "ORG", f"北{character}大", 0.9)
    rows = written("conll", Segment(0, f"{entity.text}{character}在", [entity], is_last=True)).splitlines()
    blanks = len(character)
    expected = ["北 B-ORG", *["  I-ORG"] * blanks, "大 I-ORG", *["  O"] * blanks, "在 O", ""]
    assert rows == expected


def test_conll_is_utf8_where_the_text_was_not() -> None:
    assert written("conll", Segment(0, "王\udcff", [], is_last=True)) == "王 O\n\ufffd O\n\n"


def test_text_in_brackets() -> None:
    assert written("text", *SEGMENTS) == "[王小明/PER]在[青山大学/TEAM]\n"


def test_text_in_colour() -> None:
    output = written("text", *SEGMENTS, colour=True)
    assert COLOUR.sub("", output) == "王小明/PER在青山大学/TEAM\n"
    assert output.startswith("\x1b[1;34m王小明\x1b[0m")


def test_text_outside_of_entities_is_written_once_in_each_segment() -> None:
    segments = Segment(0, "一二", [], is_last=False), Segment(2, "三四", [], is_last=True)
    assert written("text", *segments) == "一二三四\n"
    assert written("conll", *segments) == "一 O\n二 O\n三 O\n四 O\n\n"


@pytest.mark.parametrize("name", ["conll", "brat"])
def test_a_format_of_columns_refuses_types_with_blanks_and_others_take_them(name: str) -> None:
    with pytest.raises(UsageError, match=f"--format {name} cannot hold the entity type '剂量 单位'"):
        require_format(name, ["PER", "剂量 单位"])
    require_format(name, ["PER", "作品.书名"])
    require_format("jsonl", ["剂量 单位"])


def test_a_writer_takes_one_document_after_the_other() -> None:
    for output_format in FORMATS:
        assert written(output_format, *SEGMENTS, *SEGMENTS) == 2 * written(output_format, *SEGMENTS)


def test_lone_surrogates_are_written_as_json_can() -> None:
    entity = Entity(0, 2, "PER", "\udcff\udc80", 1.0)
    (row,) = json.loads(written("jsonl", Segment(0, entity.text, [entity], is_last=True)))["entities"]
    assert row["text"] == entity.text


@settings(max_examples=60)
@given(in_pieces(LONG_TEXTS))
def test_every_format_keeps_everything(recognizer: Recognizer, pieces: list[str]) -> None:
    text = "".join(pieces)
    segments = list(recognizer.segments([pieces]))
    entities = [entity for segment in segments for entity in segment.entities]
    rows = json.loads(written("jsonl", *segments))["entities"]
    assert rows == [{**entity.to_dict(), "score": round(entity.score, 4)} for entity in entities]
    conll = written("conll", *segments).removesuffix("\n")
    assert "".join(re.findall(r"(.) (?:O|[BI]-[A-Z]+)\n", conll)) == text.translate(CONLL_STAND_INS)
    assert conll.count(" B-") >= len(entities)
    marked = written("text", *segments)
    unmarked = written("text", *(segment._replace(entities=[]) for segment in segments))
    assert unmarked == text + "\n"
    assert len(marked) == len(text) + 1 + sum(len(f"[/{entity.label}]") for entity in entities)
