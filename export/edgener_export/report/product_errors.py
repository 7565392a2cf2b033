"""The error of each matrix product after quantization, given the input that it has in fp32."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto, helper
from tqdm import tqdm

from edgener_export.graph.export import INPUTS, open_observed, open_session
from edgener_export.graph.int8 import quantized_products, weight_products
from edgener_export.graph.node_index import needed_nodes
from edgener_export.recipe.settings import QuantizeSettings
from edgener_export.report.record import ProductError

DIGITS = 6
"""Significant digits of an error; more of them would differ between machines."""


def count_products(graph: GraphProto) -> int:
    """Weights of all matrix products of an fp32 graph: multiply-accumulates a token, attention's own not counted."""
    return sum(_weights(graph, weight_products(graph)).values())


def measure_product_errors(
    fp32: onnx.ModelProto, int8: Path, rows: Sequence[NDArray[np.int64]], settings: QuantizeSettings
) -> tuple[ProductError, ...]:
    """Error of each product that ``quantize_graph`` made of the graph ``fp32``, over all of ``rows``, in its order.

    Errors do not add up from layer to layer here: each product is given what fp32 gives it, so that the figure is what
    excluding this one product would mend.
    """
    products = quantized_products(fp32.graph, settings)
    inputs = list(dict.fromkeys(product.input[0] for product in products))
    outputs = [product.output[0] for product in products]
    reference = open_observed(fp32, [*inputs, *outputs])
    quantized = open_session(_cut(onnx.load(int8), inputs, outputs).SerializeToString())
    signal, noise = np.zeros(len(products)), np.zeros(len(products))
    for row in tqdm(rows, disable=None, desc="quantization error"):
        values = reference.run(
            [*inputs, *outputs], dict(zip(INPUTS, (row[None], np.ones_like(row)[None]), strict=True))
        )
        given, right = values[: len(inputs)], values[len(inputs) :]
        found = quantized.run(outputs, dict(zip(inputs, given, strict=True)))
        signal += [np.square(value, dtype=np.float64).sum() for value in right]
        noise += [np.square(value - other, dtype=np.float64).sum() for value, other in zip(right, found, strict=True)]
    errors = np.sqrt(noise / np.maximum(signal, np.finfo(np.float64).tiny))
    weights = _weights(fp32.graph, products)
    return tuple(
        ProductError(product.name, weights[product.name], float(f"{error:.{DIGITS}g}"))
        for product, error in zip(products, errors, strict=True)
    )


def _weights(graph: GraphProto, products: Sequence[NodeProto]) -> dict[str, int]:
    """Size of the matrix of each product, by the name of its node."""
    sizes = {tensor.name: int(np.prod(tensor.dims)) for tensor in graph.initializer}
    return {product.name: sizes[product.input[1]] for product in products}


def _cut(model: onnx.ModelProto, inputs: Sequence[str], outputs: Sequence[str]) -> onnx.ModelProto:
    """The part of a graph between inner values."""
    nodes = needed_nodes(model.graph, outputs, given=set(inputs))
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        model.graph.name,
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in inputs],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [tensor for tensor in model.graph.initializer if tensor.name in used],
    )
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
