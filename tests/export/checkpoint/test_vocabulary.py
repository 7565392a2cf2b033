"""A pruned vocabulary still writes Chinese text as before, with the same embedding rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForTokenClassification

from edgener.aliases import SIMPLIFIED
from edgener.tokenizer import Encoder
from edgener_export.checkpoint.vocabulary import (
    SPECIAL,
    keep_embedding_rows,
    prune_vocabulary,
    unknown_share,
    write_tokenizer,
)
from edgener_export.errors import CheckpointError, CorpusError, RecipeError
from edgener_export.recipe.settings import ModelSettings
from tests.support import labelled_texts
from tools.make_tiny_bundle import PRUNED

MODEL = ModelSettings(checkpoint="checkpoint")


@pytest.fixture(scope="module")
def checkpoint(build_tiny: list[str]) -> Path:
    """The untrained checkpoint of the tiny model."""
    return Path(build_tiny[1]).parent / "checkpoint"


@pytest.fixture
def tokenizer(checkpoint: Path) -> dict[str, Any]:
    """Its tokenizer.json."""
    plain: dict[str, Any] = json.loads((checkpoint / "tokenizer.json").read_bytes())
    return plain


def test_only_what_chinese_text_cannot_reach_goes(tokenizer: dict[str, Any]) -> None:
    pruned, rows = prune_vocabulary(tokenizer, "chinese")
    before, after = tokenizer["model"]["vocab"], pruned["model"]["vocab"]
    assert set(before) - set(after) == set(PRUNED)
    assert set(SPECIAL) <= set(after)
    assert sorted(after.values()) == list(range(len(after)))
    assert all(rows[row] == before[entry] for entry, row in after.items())


def test_chinese_text_keeps_its_embeddings(checkpoint: Path, tokenizer: dict[str, Any], tmp_path: Path) -> None:
    pruned, rows = prune_vocabulary(tokenizer, "chinese")
    write_tokenizer(pruned, tmp_path / "tokenizer.json")
    texts = [row.text for row in labelled_texts()]
    before = Encoder(checkpoint / "tokenizer.json")(texts)
    after = Encoder(tmp_path / "tokenizer.json")(texts)
    for old, new in zip(before, after, strict=True):
        assert [rows[row] for row in new.ids] == old.ids.tolist()
        assert new.offsets.tolist() == old.offsets.tolist()


def test_the_table_shrinks_to_the_rows_that_stay(checkpoint: Path) -> None:
    model = AutoModelForTokenClassification.from_pretrained(checkpoint)
    before = model.get_input_embeddings().weight.detach().clone()
    keep_embedding_rows(model, [0, 5, 2])
    assert torch.equal(model.get_input_embeddings().weight, before[[0, 5, 2]])
    assert model.config.vocab_size == 3


def test_all_may_stay(tokenizer: dict[str, Any]) -> None:
    pruned, rows = prune_vocabulary(tokenizer, "all")
    assert pruned["model"]["vocab"] == tokenizer["model"]["vocab"]
    assert rows == list(range(len(rows)))


def test_unknown_rules_and_vocabularies_are_refused(tokenizer: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match="'latin' is unknown; known: all, chinese, gb2312, gb2312-1, text:FILE"):
        prune_vocabulary(tokenizer, "latin")
    tokenizer["model"]["type"] = "BPE"
    with pytest.raises(CheckpointError, match="WordPiece"):
        prune_vocabulary(tokenizer, "chinese")


CHARACTERS = {
    "ascii": ["a", "##a", "7", "##7", "(", "12"],
    "symbols": ["。", "、", "〇", "¥", "😀"],
    "other scripts of GB2312": ["あ", "α"],
    "level 1": ["啊", "座"],
    "level 2": ["亍", "齄"],
    "beyond": ["臺", "𠮷", "한"],
}
"""啊 and 座 are the first and the last character of level 1, 亍 and 齄 those of level 2."""


@pytest.fixture
def characters(tokenizer: dict[str, Any]) -> dict[str, Any]:
    """The tokenizer with these entries alone."""
    entries = [*SPECIAL, *(entry for group in CHARACTERS.values() for entry in group)]
    return {**tokenizer, "model": {**tokenizer["model"], "vocab": {entry: row for row, entry in enumerate(entries)}}}


@pytest.mark.parametrize(
    ("keep", "dropped"),
    [
        ("chinese", []),
        ("gb2312", ["beyond"]),
        ("gb2312-1", ["beyond", "level 2"]),
    ],
)
def test_a_standard_keeps_its_characters(characters: dict[str, Any], keep: str, dropped: list[str]) -> None:
    pruned, _ = prune_vocabulary(characters, keep)
    expected = {entry for name, group in CHARACTERS.items() if name not in dropped for entry in group}
    assert set(pruned["model"]["vocab"]) == {*SPECIAL, *expected}


def test_a_text_keeps_its_characters(characters: dict[str, Any], tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("臺座 ＡＢ\n座", encoding="utf-8")
    pruned, _ = prune_vocabulary(characters, f"text:{text}")
    expected = {"臺", "座", *CHARACTERS["ascii"], *CHARACTERS["symbols"]}
    assert set(pruned["model"]["vocab"]) == {*SPECIAL, *expected}


def test_a_text_that_says_nothing_is_refused(characters: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text(" \n")
    with pytest.raises(CorpusError, match=r"empty\.txt: holds no character"):
        prune_vocabulary(characters, f"text:{tmp_path / 'empty.txt'}")
    with pytest.raises(CorpusError, match=r"none\.txt: cannot be read"):
        prune_vocabulary(characters, f"text:{tmp_path / 'none.txt'}")


def test_the_share_of_unknown_characters_is_counted(characters: dict[str, Any], tmp_path: Path) -> None:
    for keep, expected in (("gb2312", 25.0), ("gb2312-1", 50.0), ("chinese", 0.0)):
        write_tokenizer(prune_vocabulary(characters, keep)[0], tmp_path / "tokenizer.json")
        assert unknown_share(MODEL, tmp_path / "tokenizer.json", ["座 臺", "亍。"]) == expected
    assert unknown_share(MODEL, tmp_path / "tokenizer.json", []) == 0


def test_traditional_characters_are_known_to_a_model_that_sees_simplified_ones(
    characters: dict[str, Any], tmp_path: Path
) -> None:
    plain, aliased = MODEL, replace(MODEL, aliases=(SIMPLIFIED,))
    vocabulary = {**characters["model"]["vocab"], "国": len(characters["model"]["vocab"])}
    tokenizer = {**characters, "model": {**characters["model"], "vocab": vocabulary}}
    write_tokenizer(prune_vocabulary(tokenizer, "gb2312")[0], tmp_path / "tokenizer.json")
    assert unknown_share(plain, tmp_path / "tokenizer.json", ["國座"]) == 50.0
    assert unknown_share(aliased, tmp_path / "tokenizer.json", ["國座"]) == 0.0


def test_a_text_keeps_the_characters_that_the_model_sees_in_it(characters: dict[str, Any], tmp_path: Path) -> None:
    """Kept as it is written, 國 would be shown by the device to a model that was trained on 国 in its place."""
    text = tmp_path / "text.txt"
    text.write_text("國座臺", encoding="utf-8")
    rows = characters["model"]["vocab"]
    vocabulary = {**rows, "国": len(rows), "國": len(rows) + 1}
    tokenizer = {**characters, "model": {**characters["model"], "vocab": vocabulary}}
    always = {*SPECIAL, *CHARACTERS["ascii"], *CHARACTERS["symbols"], "座"}
    for aliases, expected in (((), {"國", "臺"}), ((SIMPLIFIED,), {"国", "臺"})):
        pruned, _ = prune_vocabulary(tokenizer, f"text:{text}", aliases)
        assert set(pruned["model"]["vocab"]) == always | expected
