"""Embeddings that know neighbours: exact at the start, untouched by padding, in torch and in every graph."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgener_export.checkpoint.classifier import load_classifier
from edgener_export.checkpoint.ngram import with_ngrams
from edgener_export.checkpoint.prune import keep_heads
from edgener_export.graph.export import export_graph, open_session, optimize_graph, run_graph
from edgener_export.graph.int8 import quantize_graph
from edgener_export.recipe.settings import NgramSettings, QuantizeSettings

WIDE = NgramSettings(token_width=32, pair_width=8, pair_rows=101)
ROWS = [np.arange(2, 2 + length) for length in (20, 9, 1)]


@pytest.fixture(scope="module")
def model(tiny_bert: Any) -> Any:
    pruned = copy.deepcopy(tiny_bert)
    keep_heads(pruned, 3)
    model: Any = with_ngrams(pruned, WIDE)
    with torch.no_grad():
        model.bert.embeddings.pair_embeddings.weight.normal_(generator=torch.Generator().manual_seed(0))
    return model.eval()


def test_with_wide_rows_the_start_is_the_model_itself(tiny_bert: Any) -> None:
    ids = torch.from_numpy(ROWS[0])[None]
    started: Any = with_ngrams(tiny_bert, WIDE)
    with torch.no_grad():
        torch.testing.assert_close(started.eval()(ids).logits, tiny_bert(ids).logits, rtol=1e-3, atol=1e-3)


def test_each_neighbour_matters(model: Any) -> None:
    ids = torch.tensor([[2, 3, 4, 5, 6]])
    with torch.no_grad():
        rows = model.bert.embeddings(ids)
        for changed, seen in ((0, [0, 1]), (2, [1, 2, 3]), (4, [3, 4])):
            other = ids.clone()
            other[0, changed] = 50
            differs = (model.bert.embeddings(other) != rows).any(dim=-1)[0]
            assert differs.nonzero().flatten().tolist() == seen


def test_padding_changes_nothing(model: Any) -> None:
    ids = torch.from_numpy(ROWS[1])[None]
    padded = torch.nn.functional.pad(ids, (0, 5))
    mask = (torch.arange(padded.shape[1]) < ids.shape[1])[None].long()
    with torch.no_grad():
        alone, in_batch = model(ids).logits, model(padded, attention_mask=mask).logits
    torch.testing.assert_close(in_batch[:, : ids.shape[1]], alone)


def test_it_comes_back_from_its_directory(model: Any, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    ids = torch.from_numpy(ROWS[0])[None]
    with torch.no_grad():
        again: Any = load_classifier(tmp_path)
        torch.testing.assert_close(again(ids).logits, model(ids).logits, rtol=0, atol=0)


def test_the_int8_graph_gives_the_same_bits_in_any_batch(model: Any, tmp_path: Path) -> None:
    assert export_graph(model, tmp_path / "fp32.onnx", 40) < 1e-4
    quantize_graph(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", ROWS, QuantizeSettings())
    optimize_graph(tmp_path / "int8.onnx", tmp_path / "model.onnx")
    session = open_session(tmp_path / "model.onnx")
    together = run_graph(session, ROWS)
    for row, logits in zip(ROWS, together, strict=True):
        np.testing.assert_array_equal(run_graph(session, [row])[0], logits[: len(row)])
