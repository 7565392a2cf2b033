"""The graphs of the repository give the same sums on every processor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import GRAPH
from edgener_export.graph.node_index import BIAS, INTEGER_PRODUCT, ROWS_PRODUCT, ROWS_SUMS, ROWS_WEIGHT, WEIGHT
from tests.export.saturation import largest_sum
from tests.support import ROOT

LAYERS = {"nano": 3, "pico": 2, "base": 3, "deep": 12}
BUNDLES = {DEFAULT_BUNDLE: 4, **{ROOT / "bundles" / name: layers for name, layers in LAYERS.items()}}
"""Layers of each bundle."""


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.name)
def test_products_neither_saturate_nor_round(bundle: Path) -> None:
    graph = onnx.load(bundle / GRAPH).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    of_rows = [node for node in graph.node if node.op_type == ROWS_PRODUCT]
    others = [node for node in graph.node if node.op_type == INTEGER_PRODUCT]
    weights = [constants[node.input[ROWS_WEIGHT]] for node in of_rows]
    weights += [constants[node.input[WEIGHT]] for node in others]
    assert len(of_rows) >= 6 * BUNDLES[bundle] + 1
    assert all(largest_sum(weight) <= np.iinfo(np.int16).max for weight in weights)
    assert all(constants[node.input[ROWS_SUMS]].dtype == np.int32 for node in of_rows)
    assert all(len(node.input) <= BIAS for node in others), "a bias in floats"
