"""The matrix products of a graph, alone: the same nodes with the same weights and shapes, and nothing between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from edgener.session import INPUTS, session_options
from tools.bench.stopwatch import seconds_of

PROBE = (3, 7)
"""Rows and tokens: no dimension of a graph is either by chance."""
PEAK_SHAPE = (512, 1024, 4096)
"""Rows, depth and columns of a product that is large, but whose operands stay in the caches."""
PEAK_RUNS = 10

Feeds = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Bound:
    """Products ready to run at one batch shape, with nothing to allocate."""

    session: ort.InferenceSession
    binding: Any
    """Binding of the session to its inputs and outputs."""

    def run(self) -> float:
        """Seconds of one run."""
        return seconds_of(lambda: self.session.run_with_iobinding(self.binding))


class Products:
    """The products of the given kinds of a graph's nodes, for any batch shape."""

    def __init__(self, graph: Path, kinds: Sequence[str], threads: int) -> None:
        model = onnx.load(graph)
        constants = {tensor.name for tensor in model.graph.initializer}
        nodes = [node for node in model.graph.node if node.op_type in kinds]
        self._operands = sorted({name for node in nodes for name in node.input if name and name not in constants})
        sizes = {tensor.name: int(np.prod(tensor.dims)) for tensor in model.graph.initializer}
        self._macs_a_token = sum(max(sizes.get(name, 0) for name in node.input) for node in nodes)
        self._values = _session_that_also_gives(model, self._operands)
        probed = self._operand_values(*_batch(*PROBE))
        self._same = _one_of_each_kind(probed)
        self._session = _open(_alone(model.graph, nodes, self._same, probed), threads)

    def bind(self, ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> Bound:
        """Bind the products at the shape of this batch; their operands are computed by the graph itself."""
        values = self._operand_values(ids, attention_mask)
        feeds = {name: values[name] for name in self._same.values()}
        binding = self._session.io_binding()
        for name, value in feeds.items():
            binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(value))
        buffers: dict[tuple[Any, ...], Any] = {}
        outputs = [output.name for output in self._session.get_outputs()]
        for name, value in zip(outputs, self._session.run(None, feeds), strict=True):
            buffer = buffers.setdefault((value.shape, value.dtype), ort.OrtValue.ortvalue_from_numpy(value))
            binding.bind_ortvalue_output(name, buffer)
        return Bound(self._session, binding)

    def weight_macs(self, ids: NDArray[np.int64]) -> int:
        """Multiply-accumulates of a batch with constant weights."""
        return ids.size * self._macs_a_token

    def _operand_values(self, ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> Feeds:
        values = self._values.run(self._operands, dict(zip(INPUTS, (ids, attention_mask), strict=True)))
        return dict(zip(self._operands, values, strict=True))


def peak_gmacs(threads: int) -> float:
    """Multiply-accumulates a second of a large integer product, in 10^9: the best of several runs."""
    rows, depth, columns = PEAK_SHAPE
    generator = np.random.default_rng(0)
    weight = numpy_helper.from_array(generator.integers(-127, 128, (depth, columns), np.int8), "weight")
    constants = [
        weight,
        numpy_helper.from_array(np.array(0.01, np.float32), "scale"),
        numpy_helper.from_array(np.full(columns, 0.01, np.float32), "scales"),
        numpy_helper.from_array(np.array(128, np.uint8), "zero"),
    ]
    node = helper.make_node(
        "MatMulIntegerToFloat", ["x", "weight", "scale", "scales", "zero"], ["y"], domain="com.microsoft"
    )
    values = generator.integers(0, 256, (rows, depth), np.uint8)
    session = _open(_model([node], {"x": values}, constants), threads)
    seconds = min(seconds_of(lambda: session.run(None, {"x": values})) for _ in range(PEAK_RUNS))
    return rows * depth * columns / seconds / 1e9


def _alone(graph: GraphProto, nodes: Sequence[NodeProto], same: dict[str, str], probed: Feeds) -> bytes:
    """The nodes with operands of one kind taken from one input."""
    copies = []
    for node in nodes:
        copy = NodeProto()
        copy.CopyFrom(node)
        copy.input[:] = [same.get(name, name) for name in node.input]
        copies.append(copy)
    used = {name for node in copies for name in node.input}
    constants = [tensor for tensor in graph.initializer if tensor.name in used]
    return _model(copies, {name: probed[name] for name in sorted(set(same.values()))}, constants)


def _model(nodes: Sequence[NodeProto], inputs: Feeds, constants: Sequence[TensorProto]) -> bytes:
    """Every node's output is one of the graph."""
    described = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), [None] * value.ndim)
        for name, value in inputs.items()
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for node in nodes for name in node.output]
    graph = helper.make_graph(nodes, "products", described, outputs, constants)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    model: ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    serialized: bytes = model.SerializeToString()
    return serialized


def _one_of_each_kind(values: Feeds) -> dict[str, str]:
    """Map each operand to the first one of the same type and shape."""
    first: dict[tuple[Any, ...], str] = {}
    return {name: first.setdefault((value.dtype, value.shape), name) for name, value in values.items()}


def _session_that_also_gives(model: ModelProto, names: Iterable[str]) -> ort.InferenceSession:
    extended = ModelProto()
    extended.CopyFrom(model)
    extended.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    return _open(extended.SerializeToString(), threads=1)


def _open(model: bytes, threads: int) -> ort.InferenceSession:
    return ort.InferenceSession(model, session_options(threads), providers=["CPUExecutionProvider"])


def _batch(rows: int, tokens: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    ids = np.ones((rows, tokens), dtype=np.int64)
    return ids, ids
