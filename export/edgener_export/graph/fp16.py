"""The graph for GPUs: the fp32 graph with weights and activations in float16, and what a GPU would make of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

from edgener.bundle import FP16_GRAPH, GRAPH
from edgener_export.errors import GateError
from edgener_export.files.atomic import writing
from edgener_export.graph.export import number_values, open_session, run_graph, write_with_external_data

FP32_OPS = ("LayerNormalization", "Softmax")
"""Operators that add up whole rows, which float16 overflows or rounds away; their weights stay float32 too."""
LARGEST_FP16_DIFFERENCE = 0.1
"""The largest allowed difference of fp16 and fp32 logits; 0.025 was seen at 4 layers, 0.018 at 12."""
ROWS_AT_ONCE = 8
"""Rows of several lengths in a batch, so that the mask takes part."""


@dataclass(frozen=True)
class Fp16:
    """The graph for GPUs, and what stands for it on a CPU."""

    graph: Path
    """The path of the graph that is packed; its weights lie next to it."""
    imitation: Path
    """The path of the graph that is scored on a CPU; its weights lie next to it."""
    largest_difference: float
    """The largest difference of their logits to those of the fp32 graph."""


def convert_graph(source: Path, directory: Path, rows: Sequence[NDArray[np.int64]]) -> Fp16:
    """Write an fp32 graph in float16 into ``directory``, and its imitation.

    ``rows`` of token ids with their special tokens are what it is measured on. Raises GateError where logits differ by
    more than ``LARGEST_FP16_DIFFERENCE``.
    """
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        converted = convert_float_to_float16(
            onnx.load(source), keep_io_types=True, op_block_list=[*DEFAULT_OP_BLOCK_LIST, *FP32_OPS]
        )
        graphs = directory / FP16_GRAPH, directory / GRAPH
        for path, model in zip(graphs, (converted, imitate(converted)), strict=True):
            number_values(model.graph)
            write_with_external_data(model, path)
    difference = float(np.max([_largest_difference(source, path, rows) for path in graphs]))
    if not difference <= LARGEST_FP16_DIFFERENCE:
        raise GateError(
            f"{graphs[0]}: logits differ from fp32 by up to {difference:.2g}, more than {LARGEST_FP16_DIFFERENCE:.2g}; "
            "this model's values do not fit into float16; build without gpu.fp16"
        )
    return Fp16(*graphs, difference)


def imitate(model: ModelProto) -> ModelProto:
    """Return a graph for CPUs that rounds, and overflows, after every node that ``model`` computes in float16.

    onnxruntime's CPU has few kernels for float16: it would compute ``model`` itself in float32 from one such node to
    the next, and so hide what a GPU rounds. Casts that are part of a graph it keeps.
    """
    imitation = onnx.shape_inference.infer_shapes(model)
    graph = imitation.graph
    is_rounded = {value.name for value in graph.value_info if value.type.tensor_type.elem_type == TensorProto.FLOAT16}
    for tensor in graph.initializer:
        _widen(tensor)
    nodes = [node for original in graph.node for node in _rounded(original, is_rounded)]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    return imitation


def _rounded(node: NodeProto, is_rounded: set[str]) -> Iterator[NodeProto]:
    """Yield the node in float32, and the casts that round its outputs."""
    for attribute in node.attribute:
        if attribute.name == "to" and attribute.i == TensorProto.FLOAT16:
            attribute.i = TensorProto.FLOAT
        if attribute.HasField("t"):
            _widen(attribute.t)
    yield node
    for place, name in enumerate(node.output):
        if name in is_rounded and node.op_type != "Constant":
            node.output[place] = f"{name}/exact"
            yield helper.make_node("Cast", [f"{name}/exact"], [f"{name}/fp16"], to=TensorProto.FLOAT16)
            yield helper.make_node("Cast", [f"{name}/fp16"], [name], to=TensorProto.FLOAT)


def _widen(tensor: TensorProto) -> None:
    if tensor.data_type == TensorProto.FLOAT16:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))


def _largest_difference(before: Path, after: Path, rows: Sequence[NDArray[np.int64]]) -> float:
    """Return the largest difference of two graphs' logits at every real token; NaN if one of them gives NaN."""
    sessions = open_session(before), open_session(after)
    largest = 0.0
    for start in range(0, len(rows), ROWS_AT_ONCE):
        batch = rows[start : start + ROWS_AT_ONCE]
        expected, found = (run_graph(session, batch) for session in sessions)
        for row, difference in zip(batch, np.abs(found - expected), strict=True):
            largest = float(np.maximum(largest, difference[: len(row)].max()))
    return largest
