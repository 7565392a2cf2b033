"""What onnxruntime's optimizer leaves to do in an int8 graph."""

from __future__ import annotations

from collections import Counter

from onnx import GraphProto

PRODUCT = "MatMulIntegerToFloat"
BIAS_INPUT = 6
"""Place of the bias among the inputs of such a product."""


def fold_biases(graph: GraphProto) -> None:
    """Let integer products add their biases themselves: the same bits, one pass over memory less for each."""
    vectors = {tensor.name for tensor in graph.initializer if len(tensor.dims) == 1}
    uses = Counter(name for node in graph.node for name in node.input)
    products = {node.output[0]: node for node in graph.node if node.op_type == PRODUCT}
    for node in list(graph.node):
        product = next((products[name] for name in node.input if name in products), None)
        bias = next((name for name in node.input if name in vectors), None)
        if node.op_type == "Add" and product and bias and uses[product.output[0]] == 1:
            product.input.extend([""] * (BIAS_INPUT - len(product.input)) + [bias])
            product.output[0] = node.output[0]
            graph.node.remove(node)
