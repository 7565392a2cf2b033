"""A graph with fewer nodes gives the same values."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto

from edgener.bundle import GRAPH
from edgener.session import INPUTS
from edgener_export.graph import open_session, optimize_graph
from edgener_export.lean import make_lean
from tests.support import TINY_BUNDLE


def kinds(model: ModelProto) -> Counter[str]:
    """How many nodes of each type."""
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


def test_products_add_their_biases(lean: ModelProto) -> None:
    products = [node for node in lean.graph.node if node.op_type == "MatMulIntegerToFloat"]
    assert products
    assert all(len(product.input) == 7 and product.input[6] for product in products)


def test_shapes_are_constant(lean: ModelProto) -> None:
    constants = {tensor.name for tensor in lean.graph.initializer}
    assert all(node.input[1] in constants for node in lean.graph.node if node.op_type == "Reshape")
    assert kinds(lean)["Concat"] == 0


def test_a_lean_graph_stays_as_it_is(lean: ModelProto) -> None:
    before = lean.SerializeToString(deterministic=True)
    make_lean(lean.graph)
    assert lean.SerializeToString(deterministic=True) == before


def test_an_optimized_graph_is_lean(plain: ModelProto, tmp_path: Path) -> None:
    onnx.save(plain, tmp_path / "source.onnx")
    optimize_graph(tmp_path / "source.onnx", tmp_path / GRAPH)
    after = kinds(onnx.load(tmp_path / GRAPH, load_external_data=False))
    assert sum(after.values()) < 0.9 * sum(kinds(plain).values())
