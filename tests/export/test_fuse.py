"""Products that add their own biases give the same bits with fewer nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgener_export import graph as graph_module
from edgener_export.fuse import PRODUCT
from edgener_export.graph import export_graph, op_histogram, open_session, optimize_graph, run_graph
from edgener_export.quantize import QuantizeSettings, quantize_graph

ROWS = [np.array([2, 17, 40, 99, 3]), np.array([2, 5, 3])]


def test_biases_of_products_are_folded(tiny_bert: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_graph(tiny_bert, tmp_path / "fp32.onnx")
    quantize_graph(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", ROWS, QuantizeSettings())
    folded, plain = tmp_path / "folded.onnx", tmp_path / "plain.onnx"
    optimize_graph(tmp_path / "int8.onnx", folded)
    monkeypatch.setattr(graph_module, "fold_biases", lambda _graph: None)
    optimize_graph(tmp_path / "int8.onnx", plain)
    products = [node for node in onnx.load(folded).graph.node if node.op_type == PRODUCT]
    with_bias = [product for product in products if len(product.input) == 7]
    assert len(products) - len(with_bias) == tiny_bert.config.num_hidden_layers  # GELU adds the bias before it
    assert op_histogram(plain)["Add"] - op_histogram(folded)["Add"] == len(with_bias) > 0
    np.testing.assert_array_equal(run_graph(open_session(folded), ROWS), run_graph(open_session(plain), ROWS))
