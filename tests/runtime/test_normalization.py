"""A bundle says what it normalizes, and the recognizer does so; a bundle that says nothing gets nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgener import Recognizer
from edgener.aliases import ALIASES, EARLIER_TABLES, table_sha256
from edgener.bundle import MANIFEST, Manifest
from edgener.errors import ManifestError
from edgener.golden import Case, check_case, logits_digest
from edgener.normalization import VERSION, Normalization, normalization_of
from edgener.segmentation import CHUNK, CHUNK_MARGIN
from edgener.span_rules.registry import SPAN_RULES
from tests.support import (
    TEXTS,
    TINY_BUNDLE,
    assert_consistent,
    change_manifest,
    in_pieces,
    labelled_texts,
    names,
    read_manifest,
    run_main,
)

TRADITIONAL = str.maketrans("张刘伟丽颖龙云县来从学", "張劉偉麗穎龍雲縣來從學")
PARTS = st.sampled_from(
    [
        "張偉",
        "王小明某某",
        "李娜 赵丽英 王小明",
        "@李娜#",
        "哈哈哈",
        "青山大学ABC",
        "在⾦川",
        "王小明•李娜",
        "，工作。",
        "\n",
    ]
)


def everything() -> Normalization:
    """Return the normalization with all aliases and rules."""
    normalization = normalization_of(ALIASES, SPAN_RULES)
    assert normalization is not None
    return normalization


@pytest.fixture(scope="module")
def normalizing(tmp_path_factory: pytest.TempPathFactory) -> Recognizer:
    """The tiny model with all aliases and rules."""
    copy = shutil.copytree(TINY_BUNDLE, tmp_path_factory.mktemp("normalizing") / "bundle")
    change_manifest(copy, normalization=everything())
    return Recognizer.load(copy)


def test_a_manifest_without_normalization_is_written_as_before(bundle: Path) -> None:
    before = (bundle / MANIFEST).read_text(encoding="utf-8")
    assert "normalization" not in json.loads(before)
    assert read_manifest(bundle).to_json() == before
    assert read_manifest(bundle).aliases == read_manifest(bundle).span_rules == ()


def test_a_manifest_with_normalization_is_read_as_it_was_written(bundle: Path) -> None:
    change_manifest(bundle, normalization=everything())
    manifest: Manifest = read_manifest(bundle)
    assert manifest.normalization == everything()
    assert (manifest.aliases, manifest.span_rules) == (ALIASES, tuple(SPAN_RULES))


def test_no_aliases_and_no_rules_are_no_normalization() -> None:
    assert normalization_of((), ()) is None
    assert normalization_of(ALIASES[:1], ()) == Normalization(VERSION, ALIASES[:1], table_sha256(), ())
    for digest in EARLIER_TABLES:
        assert Normalization(VERSION, ALIASES[:1], digest, ()).table_sha256 == digest
    assert normalization_of((), ["no_laughter"]) == Normalization(VERSION, (), table_sha256(), ("no_laughter",))
    with pytest.raises(ManifestError) as caught:
        normalization_of(["smileys"], ())
    known = "simplified, radicals, dots, spaces"
    assert str(caught.value) == f"normalization.aliases names 'smileys'; known: {known}; update edgener"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"version": VERSION + 1},
            f"normalization.version is {VERSION + 1}, but this edgener does version {VERSION}; update edgener\n",
        ),
        (
            {"version": VERSION - 1},
            f"normalization.version is {VERSION - 1}, but this edgener does version {VERSION}; "
            "export the model again\n",
        ),
        (
            {"table_sha256": "0" * 64},
            ": normalization.table_sha256 is another table of characters than that of this edgener; "
            "update edgener, or export the model again\n",
        ),
        ({"aliases": ["smileys"]}, "normalization.aliases names 'smileys'"),
        ({"span_rules": ["smileys"]}, "normalization.span_rules names 'smileys'"),
        ({"version": "1"}, "normalization.version is '1', expected int"),
    ],
)
def test_what_this_edgener_cannot_do_is_refused(bundle: Path, changes: dict[str, Any], message: str) -> None:
    change_manifest(bundle, normalization=everything())
    plain = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    plain["normalization"] |= changes
    (bundle / MANIFEST).write_text(json.dumps(plain), encoding="utf-8")
    finished = run_main("check", str(bundle))
    assert finished.code == ManifestError.exit_code
    assert f"{bundle / MANIFEST}: " in finished.errors
    assert message in finished.errors


def test_traditional_text_gives_the_logits_of_simplified_text(normalizing: Recognizer, recognizer: Recognizer) -> None:
    for row in labelled_texts()[:40]:
        text = row.text.translate(TRADITIONAL)
        assert names(normalizing(text)) == names(recognizer(row.text))
        for aliased, plain in zip(normalizing.logits(text), recognizer.logits(row.text), strict=True):
            assert np.array_equal(aliased, plain)


@given(st.lists(PARTS | TEXTS, max_size=12).map("".join))
def test_entities_are_slices_of_the_callers_text(normalizing: Recognizer, text: str) -> None:
    assert_consistent(text, normalizing(text))


@settings(max_examples=30)
@given(st.lists(st.lists(PARTS, max_size=12).map("".join), max_size=8))
def test_rules_do_the_same_in_any_batch(normalizing: Recognizer, texts: list[str]) -> None:
    for text, entities in zip(texts, normalizing.batch(texts), strict=True):
        assert names(entities) == names(normalizing(text))


@given(in_pieces(st.lists(PARTS, max_size=12).map("".join)))
def test_rules_do_the_same_however_the_text_arrives(normalizing: Recognizer, pieces: list[str]) -> None:
    found = [entity for segment in normalizing.stream(pieces) for entity in segment.entities]
    assert names(found) == names(normalizing("".join(pieces)))


@pytest.mark.parametrize("shift", range(0, 300, 23))
@pytest.mark.parametrize("limit", [CHUNK, 128])
def test_rules_hold_where_the_text_is_cut(normalizing: Recognizer, shift: int, limit: int) -> None:
    filler = "这本书讲的是怎样做豆腐，今天天气很好，"
    padding = (filler * 2000)[-(limit - 150 + shift) :]
    text = padding + "王小明某某和张偉李娜在青山大学ABCDEF工作，" + filler * 20
    found = normalizing(text)
    assert_consistent(text, found)
    ends = [entity.end for entity in found if entity.start >= len(padding)]
    assert len(padding) + 5 in ends
    assert all(entity.text == "青山大学ABCDEF" for entity in found if set(entity.text) & set("ABCDEF"))


@pytest.mark.parametrize("shift", [1, 2, 3])
def test_no_rule_moves_an_entity_before_its_segment(shift: int) -> None:
    filler = "这本书讲的是怎样做豆腐，今天天气很好，" * 500
    text = filler[: CHUNK - CHUNK_MARGIN - shift] + "让-马克·埃罗访问巴黎，" + filler
    segments = list(Recognizer.load().stream([text]))
    assert len(segments) > 1
    assert any("埃罗" in entity.text for segment in segments for entity in segment.entities)
    for segment in segments:
        assert all(entity.start >= segment.start for entity in segment.entities)
    assert "".join(segment.text for segment in segments) == text


def test_golden_cases_notice_other_aliases(bundle: Path) -> None:
    case = Case("張偉在青山大学工作。", (), "")
    record = replace(case, logits_sha256=logits_digest(Recognizer.load(bundle), case.text))
    assert check_case(Recognizer.load(bundle), record).same_logits
    change_manifest(bundle, normalization=everything())
    assert not check_case(Recognizer.load(bundle), record).same_logits
