"""Rewriting of the nodes that onnxruntime's optimizer leaves in a quantized graph: the same values from fewer nodes.

- The bias of an integer product is added by the product itself, not by a pass over its result.
- What the attention's result is divided by before it is quantized (SmoothQuant) goes into the products of the values:
  a weighted mean of scaled values is the scaled weighted mean. What a ReLU's result is divided by goes into the product
  before it likewise, since the divisors are positive.
- A ReLU whose result becomes unsigned bytes with zero at 0 is left to them: they hold nothing negative.
- Shapes of which only the batch is free are constants: a 0 in a Reshape keeps the length that the tensor has.
- Position embeddings are the first rows of their table, not looked up one by one.
- What an attention mask adds to scores is looked up, not computed.
- Tokens are rows, so that attention's products read their operands in place (``token_rows``).
- What becomes of a product of rows but bytes becomes bytes at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, helper, numpy_helper

from edgener_export.graph.node_index import BIAS, CONTRIBUTED, INTEGER_PRODUCT, ROWS_PRODUCT, SCALES, Links, drop_unused
from edgener_export.graph.token_rows import use_token_rows


def make_lean(graph: GraphProto) -> None:
    """Rewrite an optimized graph in place; its signature stays as it is."""
    for rewrite in (
        _fold_biases,
        _fold_context_scales,
        _fold_relu_scales,
        _leave_relu_to_bytes,
        _fix_shapes,
        _slice_positions,
        _look_up_mask,
    ):
        rewrite(Links(graph))
        drop_unused(graph)
    use_token_rows(graph)
    _make_bytes_at_once(Links(graph))
    drop_unused(graph)


def _fold_biases(links: Links) -> None:
    for node in links.graph.node:
        if node.op_type not in ("Add", "BiasGelu"):
            continue
        for bias, value in (node.input, reversed(node.input)):
            product = links.producer(value, INTEGER_PRODUCT)
            if product is None or len(product.input) > BIAS or links.vector(bias) is None:
                continue
            product.input.extend([""] * (BIAS - len(product.input)) + [bias])
            if node.op_type == "BiasGelu":
                _become(node, "Gelu", [value])
            else:
                product.output[0] = node.output[0]
                _become(node, "Identity", [])
            break


def _fold_context_scales(links: Links) -> None:
    """Mul(Reshape(Transpose(MatMul(probabilities, Transpose(Reshape(values))))), constant)."""
    for scaled in _scaled_values(links, "Reshape"):
        values = _values_of(links, scaled.maker.output[0])
        if values is not None and _scale_columns(links, values, scaled):
            _leave_out(scaled)


def _fold_relu_scales(links: Links) -> None:
    """Mul(Relu(product), positive constant)."""
    for scaled in _scaled_values(links, "Relu"):
        product = links.producer(scaled.maker.input[0], INTEGER_PRODUCT)
        if product is not None and (scaled.scales > 0).all() and _scale_columns(links, product, scaled):
            _leave_out(scaled)


def _leave_relu_to_bytes(links: Links) -> None:
    """QuantizeLinear(Relu(value), scale, 0)."""
    for node in links.graph.node:
        relu = links.producer(node.input[0], "Relu") if node.op_type == "QuantizeLinear" else None
        if relu is not None and links.is_byte_zero(node.input[2]):
            node.input[0] = relu.input[0]


class _Scaled(NamedTuple):
    """A product with a constant vector of what a node of some type makes."""

    node: NodeProto
    maker: NodeProto
    scales: NDArray[np.float32]


def _scaled_values(links: Links, op_type: str) -> Iterator[_Scaled]:
    for node in links.graph.node:
        if node.op_type != "Mul":
            continue
        for value, constant in (node.input, reversed(node.input)):
            scales, maker = links.vector(constant), links.producer(value, op_type)
            if scales is not None and maker is not None:
                yield _Scaled(node, maker, scales)
                break


def _scale_columns(links: Links, product: NodeProto, scaled: _Scaled) -> bool:
    """Tell whether the columns that an integer product makes could be scaled in advance."""
    name, scales = scaled.node.output[0], scaled.scales
    columns = links.vector(product.input[SCALES])
    bias = links.vector(product.input[BIAS]) if len(product.input) > BIAS else None
    if columns is None or bias is None or not len(columns) == len(bias) == len(scales):
        return False
    product.input[SCALES] = links.set_constant(f"{name}/scales", columns * scales)
    product.input[BIAS] = links.set_constant(f"{name}/bias", bias * scales)
    return True


def _leave_out(scaled: _Scaled) -> None:
    scaled.maker.output[0] = scaled.node.output[0]
    _become(scaled.node, "Identity", [])


def _values_of(links: Links, context: str) -> NodeProto | None:
    """Return the integer product that makes the values of which an attention's result is a weighted mean."""
    name = context
    for op_type in ("Reshape", "Transpose", "MatMul", "Transpose", "Reshape"):
        node = links.producer(name, op_type)
        if node is None:
            return None
        name = node.input[1 if op_type == "MatMul" else 0]
    return links.producer(name, INTEGER_PRODUCT)


def _fix_shapes(links: Links) -> None:
    """Reshape to (batch, constants ...), where batch is taken from the first axis of a shape."""
    for node in links.graph.node:
        concat = links.shared_producer(node.input[1], "Concat") if node.op_type == "Reshape" else None
        if concat is None or not _is_first_axis(links, concat.input[0]):
            continue
        rest = [links.vector(name) for name in concat.input[1:]]
        lengths = [int(length) for value in rest if value is not None for length in value]
        if len(lengths) == len(rest) and 0 not in lengths:
            node.input[1] = links.set_constant(f"{node.output[0]}/shape", np.array([0, *lengths], np.int64))


def _is_first_axis(links: Links, name: str) -> bool:
    unsqueeze = links.shared_producer(name, "Unsqueeze")
    gather = links.shared_producer(unsqueeze.input[0], "Gather") if unsqueeze else None
    if gather is None or gather.input[1] not in links.constants:
        return False
    is_of_shape = links.shared_producer(gather.input[0], "Shape") is not None
    return is_of_shape and not numpy_helper.to_array(links.constants[gather.input[1]]).any()


def _slice_positions(links: Links) -> None:
    """Gather(table, Slice(0 1 2 ..., 0, length)), where length is that of the second axis of the ids."""
    for node in list(links.graph.node):
        rows = links.shared_producer(node.input[1], "Slice") if node.op_type == "Gather" else None
        unsqueeze = links.shared_producer(rows.input[2], "Unsqueeze") if rows else None
        length = links.shared_producer(unsqueeze.input[0], "Gather") if unsqueeze else None
        shape = links.shared_producer(length.input[0], "Shape") if length else None
        if not (rows and length and shape) or not links.equals(length.input[1], 1):
            continue
        table = links.constants.get(node.input[0])
        if table is None or not links.equals(rows.input[0], [list(range(table.dims[0]))]):
            continue
        start = links.set_constant(f"{node.output[0]}/start", np.array([0]))
        tokens = f"{node.output[0]}/tokens"
        count = helper.make_node("Shape", shape.input, [tokens], f"{tokens}/Shape", start=1, end=2)
        node.CopyFrom(helper.make_node("Slice", [node.input[0], start, tokens, start], node.output, node.name))
        links.insert_before(node, count)


def _look_up_mask(links: Links) -> None:
    """Mul(Sub(1, Cast(Unsqueeze(Unsqueeze(mask, 1), 2))), lowest) of a mask of ones and zeros."""
    for node in links.graph.node:
        ones = links.producer(node.input[0], "Sub") if node.op_type == "Mul" else None
        cast = links.producer(ones.input[1], "Cast") if ones and links.equals(ones.input[0], 1) else None
        inner = links.producer(cast.input[0], "Unsqueeze") if cast else None
        outer = links.producer(inner.input[0], "Unsqueeze") if inner else None
        lowest = links.constants.get(node.input[1]) if inner and outer else None
        if not (inner and outer) or lowest is None or lowest.dims:
            continue
        if not (links.equals(outer.input[1], [1]) and links.equals(inner.input[1], [2])):
            continue
        table = np.array([numpy_helper.to_array(lowest), 0], np.float32)
        name = node.output[0]
        axes = links.set_constant(f"{name}/axes", np.array([1, 2]))
        outer.CopyFrom(helper.make_node("Unsqueeze", [outer.input[0], axes], outer.output, outer.name))
        node.CopyFrom(
            helper.make_node("Gather", [links.set_constant(f"{name}/table", table), outer.output[0]], [name], node.name)
        )


def _become(node: NodeProto, op_type: str, inputs: list[str]) -> None:
    """Change a node in its place; a node without inputs is dropped later with all unused nodes."""
    domain = CONTRIBUTED if inputs else ""
    outputs = list(node.output) if inputs else []
    node.CopyFrom(helper.make_node(op_type, inputs, outputs, node.name, domain=domain))


def _make_bytes_at_once(links: Links) -> None:
    """QuantizeLinear(QGemm)."""
    for node in links.graph.node:
        product = links.producer(node.input[0], ROWS_PRODUCT) if node.op_type == "QuantizeLinear" else None
        if product is not None:
            product.input.extend(node.input[1:3])
            product.output[0] = node.output[0]
            _become(node, "Identity", [])
