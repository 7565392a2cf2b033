"""A pruned vocabulary still writes Chinese text as before, with the same embedding rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForTokenClassification

from edgener.encode import Encoder
from edgener_export.errors import CheckpointError, RecipeError
from edgener_export.vocabulary import SPECIAL, keep_embedding_rows, prune_vocabulary, write_tokenizer
from tests.support import labelled_texts
from tools.make_tiny_bundle import PRUNED


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
    with pytest.raises(RecipeError, match="'latin' is unknown; known: all, chinese"):
        prune_vocabulary(tokenizer, "latin")
    tokenizer["model"]["type"] = "BPE"
    with pytest.raises(CheckpointError, match="WordPiece"):
        prune_vocabulary(tokenizer, "chinese")
