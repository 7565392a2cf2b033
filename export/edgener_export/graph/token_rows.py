"""A quantized BERT graph over rows of tokens, [tokens * batch, width], where it had [batch, tokens, width].

The tokens of a batch stand one position after the other: all sentences' first tokens, then all second ones. So queries,
keys and values are [tokens, batch, heads, width of a head] as they are, and attention's products read them in place:
three transpositions a layer less, for the same bits. And a product of two dimensions can add its bias as a 32-bit
integer, which no processor rounds; a float is rounded once by processors with fused multiply-adds, and twice by others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, helper, numpy_helper

from edgener_export.graph.node_index import BIAS, CONTRIBUTED, INTEGER_PRODUCT, ROWS_PRODUCT, Links

ON_ROWS = {"Add", "BiasGelu", "Gelu", "LayerNormalization", "MatMul", "Mul", "QuantizeLinear", "Relu", INTEGER_PRODUCT}
"""Operators that work on the last axis, or on each value alone."""
ON_SCORES = {"Add", "Mul", "Softmax"}
"""Operators that work so between the two products of an attention."""
HEADS_FIRST, HEADS_FIRST_SWAPPED = [0, 2, 1, 3], [0, 2, 3, 1]
"""Permutations of [batch, tokens, heads, width]: to [batch, heads, tokens, width], and to [.., width, tokens]."""
LARGEST_SUM = 2**30
"""The largest integer that a bias may be; the sums of a product, to which it is added, have room for 2**31."""


class _Layout(Enum):
    """The meaning of a value's axes in the new graph."""

    ROWS = auto()
    """Shape [tokens * batch, width]."""
    HEADS = auto()
    """Shape [tokens, batch, heads, width]."""
    SCORES = auto()
    """Shape [batch, heads, tokens, tokens]."""
    CONTEXT = auto()
    """Shape [batch, heads, tokens, width]."""


class _UnfamiliarError(Exception):
    """The graph has a node that does not fit."""


def use_token_rows(graph: GraphProto) -> None:
    """Rewrite a graph in place; one without integer products, or that is not built as BERT is, stays as it is."""
    if not any(node.op_type == INTEGER_PRODUCT for node in graph.node):
        return
    links = Links(graph)
    before = len(graph.initializer)
    try:
        nodes = list(_Rewriter(links).nodes())
    except _UnfamiliarError:
        del graph.initializer[before:]
        return
    del graph.node[:]
    graph.node.extend(nodes)


class _Rewriter:
    """A walk from a graph's inputs to its output that knows the layout of each value behind the embeddings."""

    def __init__(self, links: Links) -> None:
        self._links = links
        (self._output,) = (value.name for value in links.graph.output)
        self._layouts: dict[str, _Layout] = {}
        self._stands_for: dict[str, str] = {}
        """Values that are no longer computed, and the one that takes their place."""
        self._swapped: set[str] = set()
        """Values among them whose last two axes were in the other order."""
        self._lengths = ""
        """The value [2] that holds the numbers of tokens and of sentences."""
        self._shapes: dict[tuple[int, ...], str] = {}
        """Values that hold these numbers and the given ones."""

    def nodes(self) -> Iterator[NodeProto]:
        """Yield the nodes of the new graph; raise _UnfamiliarError where it is not known."""
        for node in self._links.graph.node:
            if any(name in self._layouts or name in self._stands_for for name in node.input):
                yield from self._rewritten(node)
            else:
                yield node
                if node.op_type == "LayerNormalization" and not self._lengths:
                    yield from self._enter(node)
        if self._layouts.get(self._output) is not _Layout.ROWS:
            raise _UnfamiliarError
        yield from self._leave()

    def _enter(self, normalization: NodeProto) -> Iterator[NodeProto]:
        """Turn the embeddings [batch, tokens, width] into rows."""
        width = self._links.vector(normalization.input[1])
        if width is None:
            raise _UnfamiliarError
        embedded = normalization.output[0]
        tokens, self._lengths, rows = (f"{embedded}/{part}" for part in ("tokens", "lengths", "rows"))
        yield helper.make_node("Transpose", [embedded], [tokens], f"{tokens}/Transpose", perm=[1, 0, 2])
        yield helper.make_node("Shape", [tokens], [self._lengths], f"{tokens}/Shape", end=2)
        yield self._to_rows(tokens, rows, len(width))
        self._stands_for[embedded] = rows

    def _leave(self) -> Iterator[NodeProto]:
        """Turn rows into the logits [batch, tokens, tags]."""
        rows, tokens = (f"{self._output}/{part}" for part in ("rows", "tokens"))
        yield from self._unfold(rows, tokens, (-1,), f"{tokens}/Reshape")
        yield helper.make_node("Transpose", [tokens], [self._output], f"{tokens}/Transpose", perm=[1, 0, 2])

    def _rewritten(self, original: NodeProto) -> Iterator[NodeProto]:
        if len(original.output) != 1:
            raise _UnfamiliarError
        node = NodeProto()
        node.CopyFrom(original)
        swapped = [name in self._swapped for name in node.input]
        node.input[:] = [self._stands_for.get(name, name) for name in node.input]
        (result,) = node.output
        layouts = [self._layouts.get(name) for name in node.input]
        match node.op_type, layouts:
            case op_type, _ if op_type in ON_ROWS and self._are_rows(node):
                self._layouts[result] = _Layout.ROWS
                yield self._with_rows(node)
            case op_type, [_Layout.SCORES, *others] if op_type in ON_SCORES and not any(others):
                self._layouts[result] = _Layout.SCORES
                yield node
            case "Reshape", [_Layout.ROWS, _]:
                heads = self._last_lengths(node, 2)
                self._layouts[result] = _Layout.HEADS
                yield from self._unfold(node.input[0], result, heads, node.name)
            case "Transpose", [_Layout.HEADS]:
                if _permutation(node) not in (HEADS_FIRST, HEADS_FIRST_SWAPPED):
                    raise _UnfamiliarError
                self._stands_for[result] = node.input[0]
                if _permutation(node) == HEADS_FIRST_SWAPPED:
                    self._swapped.add(result)
            case "MatMul" | "FusedMatMul", [_Layout.HEADS, _Layout.HEADS] if swapped == [False, True]:
                self._layouts[result] = _Layout.SCORES
                yield _product_in_place(node, transBatchA=1, transBatchB=1, transB=1)
            case "MatMul" | "FusedMatMul", [_Layout.SCORES, _Layout.HEADS] if not any(swapped):
                self._layouts[result] = _Layout.CONTEXT
                yield _product_in_place(node, transBatchB=1)
            case "Transpose", [_Layout.CONTEXT] if _permutation(node) == HEADS_FIRST:
                self._layouts[result] = _Layout.HEADS
                yield helper.make_node("Transpose", node.input, [result], node.name, perm=[2, 0, 1, 3])
            case "Reshape", [_Layout.HEADS, _]:
                (width,) = self._last_lengths(node, 1)
                yield self._to_rows(node.input[0], result, width)
            case _:
                raise _UnfamiliarError

    def _are_rows(self, node: NodeProto) -> bool:
        """Tell whether all inputs of a node are rows or constants, and constants but weights treat all rows alike."""
        is_product = node.op_type in ("MatMul", INTEGER_PRODUCT)
        for name in node.input:
            constant = self._links.constants.get(name)
            if constant is None and name and self._layouts.get(name) is not _Layout.ROWS:
                return False
            if constant is not None and len(constant.dims) > 1 and not is_product:
                return False
        return True

    def _with_rows(self, node: NodeProto) -> NodeProto:
        """A node whose result are rows."""
        if node.op_type == INTEGER_PRODUCT:
            self._add_bias_as_integers(node)
        if node.output[0] == self._output:
            node.output[0] = f"{self._output}/rows"
        return node

    def _add_bias_as_integers(self, node: NodeProto) -> None:
        """Turn a bias into integers if the scale of the product's input is constant, as that of its sums then is."""
        rows, weight, scale, scales, zero_point = node.input[:5]
        bias = self._links.vector(node.input[BIAS]) if len(node.input) > BIAS else None
        row_scale, steps = self._links.constants.get(scale), self._links.vector(scales)
        if bias is None or row_scale is None or steps is None:
            return
        sums = np.rint(bias.astype(np.float64) / (steps.astype(np.float64) * numpy_helper.to_array(row_scale)))
        if np.abs(sums).max() > LARGEST_SUM:
            return
        name = node.output[0]
        zeros = self._links.set_constant(f"{name}/zero_points", np.zeros(len(steps), np.int8))
        integers = self._links.set_constant(f"{name}/sums", sums.astype(np.int32))
        inputs = [rows, scale, zero_point, weight, scales, zeros, integers]
        node.CopyFrom(helper.make_node(ROWS_PRODUCT, inputs, [name], node.name, domain=CONTRIBUTED))

    def _to_rows(self, value: str, rows: str, width: int) -> NodeProto:
        self._layouts[rows] = _Layout.ROWS
        shape = self._links.set_constant(f"{rows}/rows", np.array([-1, width]))
        return helper.make_node("Reshape", [value, shape], [rows], f"{rows}/Reshape")

    def _unfold(self, rows: str, result: str, last: tuple[int, ...], name: str) -> Iterator[NodeProto]:
        """Turn rows into [tokens, batch, *last]."""
        if last not in self._shapes:
            self._shapes[last] = shape = f"{result}/unfolded"
            lengths = [self._lengths, self._links.set_constant(f"{shape}/last", np.array(last))]
            yield helper.make_node("Concat", lengths, [shape], f"{shape}/Concat", axis=0)
        yield helper.make_node("Reshape", [rows, self._shapes[last]], [result], name)

    def _last_lengths(self, reshape: NodeProto, number: int) -> tuple[int, ...]:
        """Return ``number`` constant lengths, which follow two others in the shape."""
        shape = self._links.vector(reshape.input[1])
        if shape is None or len(shape) != 2 + number or min(shape[2:]) < 1:
            raise _UnfamiliarError
        return tuple(int(length) for length in shape[2:])


def _product_in_place(node: NodeProto, **transpositions: Any) -> NodeProto:
    """A product that takes its operands' axes in another order than they are in memory."""
    alpha = next((attribute.f for attribute in node.attribute if attribute.name == "alpha"), 1.0)
    return helper.make_node(
        "FusedMatMul", node.input, node.output, node.name, domain=CONTRIBUTED, alpha=alpha, **transpositions
    )


def _permutation(transpose: NodeProto) -> Sequence[int]:
    return next(list(attribute.ints) for attribute in transpose.attribute if attribute.name == "perm")
