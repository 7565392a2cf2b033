"""A torch model to an ONNX graph, and a graph to the form that the device loads: optimized, weights memory-mapped."""

from __future__ import annotations

import copy
import tempfile
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx.external_data_helper import set_external_data
from optimum.exporters.onnx.convert import export
from optimum.exporters.onnx.model_configs import BertOnnxConfig
from transformers import PreTrainedModel

from edgener_export.errors import GateError
from edgener_export.files.atomic import draft_of, writing
from edgener_export.graph.rewrite import make_lean

OPSET = 18
INPUTS = ("input_ids", "attention_mask")
OUTPUT = "logits"
LARGEST_EXPORT_DIFFERENCE = 1e-3
"""The largest allowed difference of the fp32 graph's logits, which are of the order of 10, to those of torch."""
PAGE = 4096
"""Bytes. Tensors outside the graph's own file start at a multiple of it, so that they can be mapped into memory."""
LARGE = 16 * PAGE
"""Bytes. Smaller tensors stay in the graph's own file."""


class _NamedEntityOnnxConfig(BertOnnxConfig):  # type: ignore[misc]
    """The graph's signature: two inputs [batch, tokens] and one output [batch, tokens, tags]."""

    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        return {name: {0: "batch", 1: "tokens"} for name in INPUTS}

    @property
    def outputs(self) -> dict[str, dict[int, str]]:
        return {OUTPUT: {0: "batch", 1: "tokens"}}


class _NoTokenTypes(torch.nn.Module):
    """Takes the place of the token type embedding once that is part of the position embedding."""

    def forward(self, _token_type_ids: torch.Tensor) -> torch.Tensor:
        return torch.zeros(())


def export_graph(trained: PreTrainedModel, path: Path, max_tokens: int | None = None) -> float:
    """Write the fp32 graph of a BERT token classifier; return the largest difference of its logits to those of torch.

    With ``max_tokens`` the graph takes no longer rows than that, and has no position embeddings beyond it.
    Raises GateError where the difference is more than ``LARGEST_EXPORT_DIFFERENCE``.
    """
    plain = _for_inference(trained, max_tokens or trained.config.max_position_embeddings)
    with draft_of(path) as draft, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # optimum asks torch for its older exporter, which says so at length
        export(plain, _NamedEntityOnnxConfig(plain.config, task="token-classification"), draft, opset=OPSET)
    difference = _largest_difference(trained, plain.config.max_position_embeddings, path)
    if not difference <= LARGEST_EXPORT_DIFFERENCE:
        raise GateError(
            f"{path}: logits differ from torch by up to {difference:.2g}, more than {LARGEST_EXPORT_DIFFERENCE:.2g}; "
            "the graph is not what was trained"
        )
    return difference


def optimize_graph(source: Path, target: Path) -> None:
    """Write ``source`` with its nodes fused for any CPU as ``target``, and its weights as ``target``.data.

    The optimizer's level is the highest one that does not look at the machine it runs on, so the device loads the
    result with optimizations off. Same source, same bytes.
    """
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            optimized = Path(scratch) / target.name
            options = _session_options(ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED)
            options.optimized_model_filepath = str(optimized)
            ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
            model = onnx.load(optimized)
        make_lean(model.graph)
        number_values(model.graph)
        write_with_external_data(model, target)


def external_data_path(path: Path) -> Path:
    """Return the path that ``optimize_graph`` writes the weights of a graph to."""
    return path.with_name(path.name + ".data")


def op_histogram(path: Path) -> dict[str, int]:
    """Count the nodes of each type in a stored graph, most frequent first."""
    nodes = onnx.load(path, load_external_data=False).graph.node
    return dict(Counter(node.op_type for node in nodes).most_common())


def run_graph(session: ort.InferenceSession, rows: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
    """Return logits [rows, longest, tags] of token id rows with their special tokens, padded to the longest."""
    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for index, row in enumerate(rows):
        ids[index, : len(row)], mask[index, : len(row)] = row, 1
    logits: NDArray[np.float32] = session.run([OUTPUT], dict(zip(INPUTS, (ids, mask), strict=True)))[0]
    return logits


def open_session(graph: Path | bytes, threads: int = 1) -> ort.InferenceSession:
    """Open a graph in any form, optimized for this machine, to calibrate and measure on the host."""
    options = _session_options(ort.GraphOptimizationLevel.ORT_ENABLE_ALL, threads)
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def open_observed(model: onnx.ModelProto, names: Sequence[str]) -> ort.InferenceSession:
    """Open a graph so that it also gives the named inner values; ``model`` is not changed."""
    observed = onnx.ModelProto()
    observed.CopyFrom(model)
    observed.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    return open_session(observed.SerializeToString())


def _for_inference(model: PreTrainedModel, max_tokens: int) -> PreTrainedModel:
    """Return a copy that gives the same logits with two embedding tables and no longer position table than needed.

    Every token of ours has type 0, so the embedding of that type goes into each position's; so does what a projection
    adds to every token.
    """
    model = copy.deepcopy(model)
    embeddings: Any = model.base_model.embeddings
    positions = embeddings.position_embeddings.weight[:max_tokens] + embeddings.token_type_embeddings.weight[0]
    if hasattr(embeddings, "projection"):
        positions = positions + embeddings.projection.bias
        embeddings.projection.bias = None
    embeddings.position_embeddings.weight = torch.nn.Parameter(positions.detach())
    embeddings.position_ids = embeddings.position_ids[:, :max_tokens]
    embeddings.token_type_embeddings = _NoTokenTypes()
    model.config.max_position_embeddings = max_tokens
    return model


def _largest_difference(model: Any, max_tokens: int, path: Path) -> float:
    """Return the largest difference of torch's and the graph's logits at the real tokens of a batch of random ids."""
    generator = np.random.default_rng(0)
    lengths = np.array([max_tokens, max_tokens // 2, 3])
    mask = np.arange(max_tokens) < lengths[:, None]
    ids = np.where(mask, generator.integers(0, model.config.vocab_size, mask.shape), 0)
    rows = [row[:length] for row, length in zip(ids, lengths, strict=True)]
    model.eval()
    with torch.inference_mode():
        expected = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask.astype(np.int64)))
    difference = np.abs(run_graph(open_session(path), rows) - expected.logits.numpy())[mask]
    return float(difference.max())


def _session_options(level: ort.GraphOptimizationLevel, threads: int = 1) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def number_values(graph: onnx.GraphProto) -> None:
    """Number everything between the inputs and the outputs: the optimizer makes up random names, and long ones."""
    fixed = {value.name for value in (*graph.input, *graph.output)} | {""}
    outputs = (name for node in graph.node for name in node.output)
    inner = (name for name in (*(tensor.name for tensor in graph.initializer), *outputs) if name not in fixed)
    numbers = {name: str(number) for number, name in enumerate(inner)}
    for tensor in graph.initializer:
        tensor.name = numbers[tensor.name]
    for node in graph.node:
        node.input[:] = [numbers.get(name, name) for name in node.input]
        node.output[:] = [numbers.get(name, name) for name in node.output]
    del graph.value_info[:]


def write_with_external_data(model: onnx.ModelProto, target: Path) -> None:
    """Small tensors stay in the graph's file; the others are laid out page by page next to it."""
    data_path = external_data_path(target)
    with data_path.open("wb") as data:
        for tensor in model.graph.initializer:
            if len(tensor.raw_data) >= LARGE:
                data.write(b"\0" * (-data.tell() % PAGE))
                set_external_data(tensor, data_path.name, offset=data.tell(), length=len(tensor.raw_data))
                data.write(tensor.raw_data)
                tensor.ClearField("raw_data")
    target.write_bytes(model.SerializeToString(deterministic=True))
