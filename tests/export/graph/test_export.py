from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgener_export.checkpoint.classifier import load_classifier
from edgener_export.errors import GateError
from edgener_export.graph import export as graph_module
from edgener_export.graph.export import (
    LARGE,
    PAGE,
    export_graph,
    external_data_path,
    op_histogram,
    open_session,
    optimize_graph,
    run_graph,
)

ROWS = [np.array([2, 17, 40, 99, 3]), np.array([2, 5, 3])]


@pytest.fixture(scope="module")
def optimized(exported: Path) -> Path:
    path = exported.with_name("model.onnx")
    optimize_graph(exported, path)
    return path


def graph_with_a_large_table(path: Path) -> NDArray[np.float32]:
    """Two products with weights of more and of less than ``LARGE`` bytes; the large one."""
    random = np.random.default_rng(0)
    large = random.normal(size=(300, 100)).astype(np.float32)
    larger = random.normal(size=(100, 301)).astype(np.float32)
    small = random.normal(size=(301, 4)).astype(np.float32)
    constants = {"large": large, "larger": larger, "small": small}
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["input_ids", "large"], ["first"]),
            helper.make_node("MatMul", ["first", "larger"], ["second"]),
            helper.make_node("MatMul", ["second", "small"], ["logits"]),
        ],
        "large",
        [helper.make_tensor_value_info("input_ids", TensorProto.FLOAT, ["tokens", 300])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["tokens", 4])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return large


def signature(path: Path) -> list[tuple[str, str, list[str | int]]]:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return [(node.name, node.type, node.shape) for node in (*session.get_inputs(), *session.get_outputs())]


def unoptimized_session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("form", ["exported", "optimized"])
def test_graph_takes_ids_and_mask_and_gives_logits(form: str, request: pytest.FixtureRequest) -> None:
    assert signature(request.getfixturevalue(form)) == [
        ("input_ids", "tensor(int64)", ["batch", "tokens"]),
        ("attention_mask", "tensor(int64)", ["batch", "tokens"]),
        ("logits", "tensor(float)", ["batch", "tokens", 5]),
    ]


@pytest.mark.parametrize("form", ["exported", "optimized"])
def test_graph_equals_torch(form: str, request: pytest.FixtureRequest, tiny_bert: Any) -> None:
    session = unoptimized_session(request.getfixturevalue(form))
    for row in ROWS:
        with torch.inference_mode():
            expected = tiny_bert(input_ids=torch.from_numpy(row[None])).logits.numpy()
        np.testing.assert_allclose(run_graph(session, [row]), expected, atol=1e-5)


def test_a_model_that_was_saved_and_loaded_gives_the_same_graph(tiny_bert: Any, exported: Path, tmp_path: Path) -> None:
    tiny_bert.save_pretrained(tmp_path / "model")
    export_graph(load_classifier(tmp_path / "model"), tmp_path / "again.onnx", max_tokens=24)
    assert (tmp_path / "again.onnx").read_bytes() == exported.read_bytes()


def test_export_leaves_the_model_as_it_was(tiny_bert: Any, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in tiny_bert.state_dict().items()}
    export_graph(tiny_bert, tmp_path / "fp32.onnx", max_tokens=24)
    after = tiny_bert.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert tiny_bert.config.max_position_embeddings == 48


def test_token_types_leave_no_trace_in_the_graph(exported: Path) -> None:
    graph = onnx.load(exported).graph
    assert not any("token_type" in name for node in graph.node for name in (node.name, *node.input))


def test_graph_has_no_positions_that_no_row_reaches(exported: Path) -> None:
    shapes = {tensor.name: tuple(tensor.dims) for tensor in onnx.load(exported).graph.initializer}
    assert shapes["bert.embeddings.position_embeddings.weight"] == (24, 32)


def test_graph_refuses_rows_that_are_too_long(optimized: Path) -> None:
    with pytest.raises(Exception, match="broadcast"):
        run_graph(unoptimized_session(optimized), [np.arange(25)])


def test_a_graph_that_differs_from_torch_is_refused(
    tiny_bert: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_module, "LARGEST_EXPORT_DIFFERENCE", 0.0)
    with pytest.raises(GateError, match="differ from torch"):
        export_graph(tiny_bert, tmp_path / "fp32.onnx")


def test_optimizer_fuses_nodes(exported: Path, optimized: Path) -> None:
    assert op_histogram(optimized)["BiasGelu"] == 2
    assert sum(op_histogram(optimized).values()) < sum(op_histogram(exported).values()) / 2


def test_large_weights_lie_on_pages_outside_the_graph(tmp_path: Path) -> None:
    large = graph_with_a_large_table(tmp_path / "raw.onnx")
    optimize_graph(tmp_path / "raw.onnx", tmp_path / "model.onnx")
    data = external_data_path(tmp_path / "model.onnx")
    entries = [
        {entry.key: entry.value for entry in tensor.external_data}
        for tensor in onnx.load(tmp_path / "model.onnx", load_external_data=False).graph.initializer
    ]
    external = [entry for entry in entries if entry]
    assert {entry["location"] for entry in external} == {data.name}
    assert [int(entry["offset"]) % PAGE for entry in external] == [0, 0]
    assert all(int(entry["length"]) >= LARGE for entry in external)
    assert len(entries) == 3
    row = np.ones((1, 300), np.float32)
    before, after = (
        unoptimized_session(tmp_path / name).run(None, {"input_ids": row})[0] for name in ("raw.onnx", "model.onnx")
    )
    np.testing.assert_array_equal(before, after)
    assert large.tobytes() in data.read_bytes()


def test_same_source_gives_same_bytes(exported: Path, optimized: Path, tmp_path: Path) -> None:
    again = tmp_path / "model.onnx"
    optimize_graph(exported, again)
    assert again.read_bytes() == optimized.read_bytes()
    assert external_data_path(again).read_bytes() == external_data_path(optimized).read_bytes()


def test_rows_are_padded_behind_a_mask(exported: Path) -> None:
    session = open_session(exported)
    together = run_graph(session, ROWS)
    assert together.shape == (2, 5, 5)
    np.testing.assert_allclose(together[1, :3], run_graph(session, ROWS[1:])[0], atol=1e-5)
