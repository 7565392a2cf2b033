"""An index of the nodes that make and that take each value of a graph, for rewriting it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto, numpy_helper

SMOOTH, TABLE_ROW, TABLE_SCALE = "/smooth", "/row", "/scale"
"""Ends of the names of values that quantization adds: a smoothed input, a looked-up row of bytes, and its scale."""
CONTRIBUTED = "com.microsoft"
"""Domain of onnxruntime's own operators."""
INTEGER_PRODUCT = "MatMulIntegerToFloat"
"""The operator that onnxruntime's optimizer makes of a product of bytes: 32-bit sums, scaled to floats."""
WEIGHT, SCALES, BIAS = 1, 3, 6
"""Places of its inputs."""
ROWS_PRODUCT = "QGemm"
"""The same for two dimensions; its bias is a 32-bit integer, and its result may be bytes."""
ROWS_SCALE, ROWS_WEIGHT, ROWS_SCALES, ROWS_SUMS = 1, 3, 4, 6
"""Places of its inputs."""
INTEGER_PRODUCTS = (INTEGER_PRODUCT, ROWS_PRODUCT, "MatMulInteger", "QLinearMatMul", "DynamicQuantizeMatMul")
"""All operators that multiply bytes."""
FLOAT_PRODUCTS = ("MatMul", "FusedMatMul", "Gemm", "MatMulNBits")
"""All operators that multiply floats."""


class Links:
    """An index of the nodes that make and that take each value of a graph."""

    def __init__(self, graph: GraphProto) -> None:
        self.graph = graph
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self._producers = {name: node for node in graph.node for name in node.output}
        self._uses = Counter(name for node in graph.node for name in node.input)
        self._uses.update(value.name for value in graph.output)

    def producer(self, name: str, op_type: str) -> NodeProto | None:
        """Return the node of this type that makes a value, if only one node takes the value."""
        node = self._producers.get(name)
        return node if node and node.op_type == op_type and self._uses[name] == 1 else None

    def shared_producer(self, name: str, op_type: str) -> NodeProto | None:
        """Return the node of this type that makes a value, if there is one."""
        node = self._producers.get(name)
        return node if node and node.op_type == op_type else None

    def vector(self, name: str) -> NDArray[np.float32] | None:
        """Return a constant with one axis."""
        tensor = self.constants.get(name)
        return numpy_helper.to_array(tensor) if tensor is not None and len(tensor.dims) == 1 else None

    def is_byte_zero(self, name: str) -> bool:
        """Tell whether a constant is an unsigned byte, and zero."""
        tensor = self.constants.get(name)
        return tensor is not None and tensor.data_type == TensorProto.UINT8 and not numpy_helper.to_array(tensor).any()

    def equals(self, name: str, value: int | Sequence[int] | Sequence[Sequence[int]]) -> bool:
        """Tell whether a constant has this shape and value."""
        tensor = self.constants.get(name)
        return tensor is not None and np.array_equal(numpy_helper.to_array(tensor), value)

    def insert_before(self, node: NodeProto, new: NodeProto) -> None:
        """Add a node to those that run before another one."""
        self.graph.node.insert(list(self.graph.node).index(node), new)

    def set_constant(self, name: str, value: NDArray[np.generic]) -> str:
        """Add a constant and return its name."""
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        self.graph.initializer.append(self.constants[name])
        return name


def drop_unused(graph: GraphProto) -> None:
    """Remove the nodes and constants that no output depends on."""
    outputs = {value.name for value in graph.output}
    nodes = needed_nodes(graph, outputs)
    used = outputs.union(*(node.input for node in nodes))
    constants = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(constants)


def needed_nodes(graph: GraphProto, outputs: Iterable[str], given: Set[str] = frozenset()) -> list[NodeProto]:
    """Return the nodes that some values depend on once others are given, in the order of the graph."""
    needed = set(outputs)
    kept = []
    for node in reversed(graph.node):
        if not needed.isdisjoint(set(node.output) - given):
            kept.append(node)
            needed.update(node.input)
    return kept[::-1]
