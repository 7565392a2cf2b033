"""A graph with fewer nodes gives the same values."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, numpy_helper

from edgener.bundle import GRAPH
from edgener.session import INPUTS
from edgener_export.graph.export import open_session, optimize_graph
from edgener_export.graph.node_index import INTEGER_PRODUCT, ROWS_PRODUCT, ROWS_SUMS
from edgener_export.graph.rewrite import make_lean
from tests.support import TINY_BUNDLE

PRODUCTS = 6 + 1
"""Matrix products of the tiny model: those of its only layer, and the classifier."""


def kinds(model: ModelProto) -> Counter[str]:
    """Count the nodes of each type."""
    return Counter(node.op_type for node in model.graph.node)


@pytest.fixture
def plain() -> ModelProto:
    """The tiny model as onnxruntime's optimizer leaves it."""
    return onnx.load(TINY_BUNDLE / GRAPH)


@pytest.fixture
def lean(plain: ModelProto) -> ModelProto:
    """The same, rewritten."""
    model = ModelProto()
    model.CopyFrom(plain)
    make_lean(model.graph)
    return model


def test_same_logits(plain: ModelProto, lean: ModelProto) -> None:
    ids = np.random.default_rng(0).integers(5, 60, (3, 17))
    mask = (np.arange(17) < np.array([[17], [9], [3]])).astype(np.int64)
    before, after = (
        open_session(model.SerializeToString()).run(None, dict(zip(INPUTS, (ids, mask), strict=True)))[0]
        for model in (plain, lean)
    )
    np.testing.assert_allclose(after[mask == 1], before[mask == 1], atol=0.05)


def test_products_add_their_biases_as_integers(lean: ModelProto) -> None:
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in lean.graph.initializer}
    products = [node for node in lean.graph.node if node.op_type == ROWS_PRODUCT]
    assert len(products) == PRODUCTS
    assert kinds(lean)[INTEGER_PRODUCT] == 0
    assert all(constants[product.input[ROWS_SUMS]].dtype == np.int32 for product in products)


def test_attention_reads_its_operands_in_place(plain: ModelProto, lean: ModelProto) -> None:
    assert kinds(plain)["Transpose"] == 4
    assert kinds(lean)["Transpose"] == 2 + 1, "to rows and back, and the context of its layer"
    assert kinds(lean)["Concat"] == 2, "the shapes of heads and of the logits, once each"


def test_a_graph_that_is_not_built_as_bert_keeps_its_axes(plain: ModelProto) -> None:
    for node in plain.graph.node:
        if node.op_type == "Softmax":
            node.op_type = "Hardmax"
    make_lean(plain.graph)
    assert kinds(plain)["Transpose"] == 4
    assert kinds(plain)[INTEGER_PRODUCT] == PRODUCTS
    names = [tensor.name for tensor in plain.graph.initializer]
    used = {name for node in plain.graph.node for name in node.input}
    assert set(names) <= used, "nothing of the attempt is left"


def test_a_lean_graph_stays_as_it_is(lean: ModelProto) -> None:
    before = lean.SerializeToString(deterministic=True)
    make_lean(lean.graph)
    assert lean.SerializeToString(deterministic=True) == before


def test_an_optimized_graph_is_lean(plain: ModelProto, tmp_path: Path) -> None:
    onnx.save(plain, tmp_path / "source.onnx")
    optimize_graph(tmp_path / "source.onnx", tmp_path / GRAPH)
    after = kinds(onnx.load(tmp_path / GRAPH, load_external_data=False))
    assert sum(after.values()) < 0.9 * sum(kinds(plain).values())
