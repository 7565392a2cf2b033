from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgener_export.checkpoint.prune import replace_activation
from edgener_export.errors import GateError, RecipeError
from edgener_export.graph.export import export_graph, external_data_path, op_histogram, optimize_graph, run_graph
from edgener_export.graph.int8 import exact_int8, quantize_graph, symmetric_int8, verify_quantized
from edgener_export.recipe.settings import QuantizeSettings
from tests.export.outlier import export_with_outlier
from tests.export.saturation import largest_sum

PRODUCTS = 2 * 6 + 1
"""Query, key, value, attention output, feed-forward in and out of each layer, and the classifier."""


def random_rows(seed: int, number: int) -> list[NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    return [random.integers(0, 100, length) for length in random.integers(3, 24, number)]


@pytest.fixture(scope="module")
def fp32(tiny_bert: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("quantize") / "fp32.onnx"
    export_graph(tiny_bert, path, max_tokens=24)
    return path


def quantized(fp32: Path, directory: Path, settings: QuantizeSettings) -> Path:
    """An optimized graph, as it is packed."""
    quantize_graph(fp32, directory / "int8.onnx", random_rows(0, 40), settings)
    path = directory / "model.onnx"
    optimize_graph(directory / "int8.onnx", path)
    return path


@pytest.fixture(scope="module")
def static(fp32: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return quantized(fp32, tmp_path_factory.mktemp("static"), QuantizeSettings())


def device_session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def multiply(rows: NDArray[np.uint8], weight: NDArray[np.int8]) -> NDArray[np.float32]:
    """Their product with scales of 1, by the operator that the device runs, with the weight a constant as there."""
    values: dict[str, NDArray[Any]] = {
        "one": np.array(1, np.float32),
        "zero": np.array(0, np.uint8),
        "weight": weight,
        "none": np.array(0, np.int8),
    }
    constants = [numpy_helper.from_array(value, name) for name, value in values.items()]
    node = helper.make_node(
        "QGemm", ["rows", "one", "zero", "weight", "one", "none"], ["product"], domain="com.microsoft"
    )
    inputs = [helper.make_tensor_value_info("rows", TensorProto.UINT8, rows.shape)]
    graph = helper.make_graph([node], "product", inputs, [helper.make_empty_tensor_value_info("product")], constants)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    product: NDArray[np.float32] = ort.InferenceSession(model.SerializeToString()).run(None, {"rows": rows})[0]
    return product


def error(fp32: Path, int8: Path) -> float:
    """Root mean square difference of the logits, relative to their spread."""
    sessions = device_session(fp32), device_session(int8)
    logits = [np.concatenate([run_graph(session, [row])[0] for row in random_rows(1, 20)]) for session in sessions]
    return float(np.sqrt(np.mean((logits[0] - logits[1]) ** 2)) / logits[0].std())


def test_every_weight_is_multiplied_in_integers(static: Path) -> None:
    operators = op_histogram(static)
    assert operators["QGemm"] == PRODUCTS
    assert operators["FusedMatMul"] == 2 * 2, "only attention's own products of two activations"
    assert not {"MatMul", "MatMulNBits"} & operators.keys()
    verify_quantized(static, QuantizeSettings())


def test_static_result_is_close_to_fp32(fp32: Path, static: Path) -> None:
    assert error(fp32, static) < 0.05


def test_a_relu_costs_no_node_in_bytes(tiny_bert: Any, static: Path, tmp_path: Path) -> None:
    model = copy.deepcopy(tiny_bert)
    replace_activation(model, "relu")
    export_graph(model, tmp_path / "fp32.onnx", max_tokens=24)
    bytes_of = quantized(tmp_path / "fp32.onnx", tmp_path, QuantizeSettings())
    before, after = op_histogram(static), op_histogram(bytes_of)
    assert "Relu" in op_histogram(tmp_path / "fp32.onnx")
    assert "Relu" not in after
    assert "Gelu" not in after
    layers = len(model.bert.encoder.layer)
    assert after["Mul"] == before["Mul"] - layers, "smoothing went into the product before it"
    assert after["QuantizeLinear"] == before["QuantizeLinear"] - layers, "which makes bytes at once"
    assert error(tmp_path / "fp32.onnx", bytes_of) < 0.05


def test_a_sentence_has_the_same_bits_alone_padded_and_in_any_batch(static: Path) -> None:
    session = device_session(static)
    rows = random_rows(2, 24)
    alone = [run_graph(session, [row])[0] for row in rows]
    random = np.random.default_rng(0)
    for size in (2, 3, 8, 24):
        for batch in np.array_split(random.permutation(len(rows)), len(rows) // size):
            together = run_graph(session, [rows[index] for index in batch])
            for index, logits in zip(batch, together, strict=True):
                np.testing.assert_array_equal(logits[: len(rows[index])], alone[index])


def test_same_arguments_give_same_bytes(fp32: Path, static: Path, tmp_path: Path) -> None:
    again = quantized(fp32, tmp_path, QuantizeSettings())
    assert again.read_bytes() == static.read_bytes()
    assert external_data_path(again).read_bytes() == external_data_path(static).read_bytes()


def test_signature_is_that_of_the_fp32_graph(fp32: Path, static: Path) -> None:
    before, after = (onnx.load(path, load_external_data=False).graph for path in (fp32, static))
    assert list(before.input) == list(after.input)
    assert list(before.output) == list(after.output)


def test_embedding_rows_are_within_half_a_step_of_their_own(fp32: Path, tmp_path: Path) -> None:
    quantize_graph(fp32, tmp_path / "int8.onnx", random_rows(0, 3), QuantizeSettings())
    before, after = (
        {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
        for path in (fp32, tmp_path / "int8.onnx")
    )
    table = "bert.embeddings.word_embeddings.weight"
    values, scales = after[f"{table}/int8"], after[f"{table}/scales"]
    assert table not in after
    assert values.dtype == np.int8
    assert scales.shape == (len(values), 1)
    assert np.all(np.abs(values * scales - before[table]) <= scales * 0.501)
    positions = "bert.embeddings.position_embeddings.weight"
    np.testing.assert_array_equal(after[positions], before[positions])


@given(
    arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 4)), elements=st.floats(-4, 4, width=32)),
    st.integers(-20, 20),
)
def test_neighbouring_weights_never_saturate_16_bits(weight: NDArray[np.float32], exponent: int) -> None:
    weight *= np.float32(2.0**exponent)
    values, scales = exact_int8(weight)
    assert largest_sum(values) <= np.iinfo(np.int16).max
    np.testing.assert_allclose(values * scales, weight, atol=float(scales.max()) / 1.99)


def test_products_are_exact_on_this_processor() -> None:
    """All inputs are at the end of their range, where one without instructions for neural networks could saturate."""
    random = np.random.default_rng(0)
    rows = random.choice(np.array([0, 255], np.uint8), (40, 64))
    weight = exact_int8(random.standard_normal((64, 48)).astype(np.float32)).values
    np.testing.assert_array_equal(multiply(rows, weight), rows.astype(np.int64) @ weight.astype(np.int64))


def test_a_row_of_zeros_stays_zero() -> None:
    matrix = np.array([[0, 0], [1, -2]], np.float32)
    values, scales = symmetric_int8(matrix, axis=1)
    np.testing.assert_array_equal(values[0], 0)
    np.testing.assert_allclose(values * scales, matrix, atol=scales.max() / 2)


def test_smoothing_takes_the_harm_out_of_an_outlier_channel(tiny_bert: Any, tmp_path: Path) -> None:
    fp32 = tmp_path / "fp32.onnx"
    export_with_outlier(tiny_bert, fp32)
    errors = []
    for smoothing in (0.0, 0.8):
        (tmp_path / f"{smoothing}").mkdir()
        int8 = quantized(fp32, tmp_path / f"{smoothing}", QuantizeSettings(smoothing=smoothing))
        errors.append(error(fp32, int8))
    assert errors[1] < errors[0] / 2


def test_excluded_products_stay_fp32(fp32: Path, tmp_path: Path) -> None:
    settings = QuantizeSettings(exclude=("layer.0/output", "classifier"))
    path = quantized(fp32, tmp_path, settings)
    assert op_histogram(path)["QGemm"] == PRODUCTS - 2
    verify_quantized(path, settings)
    with pytest.raises(GateError, match="left 2 matrix products unquantized"):
        verify_quantized(path, QuantizeSettings())
    with pytest.raises(GateError, match=r"left 1 matrix products unquantized, such as .*classifier"):
        verify_quantized(path, QuantizeSettings(exclude=("layer.0/output",)))


def test_dynamic_graph_needs_no_fixed_activation_scales(fp32: Path, tmp_path: Path) -> None:
    settings = QuantizeSettings(method="dynamic")
    path = quantized(fp32, tmp_path, settings)
    operators = op_histogram(path)
    assert operators["DynamicQuantizeMatMul"] + operators.get("MatMulIntegerToFloat", 0) == PRODUCTS
    assert "QuantizeLinear" not in operators
    verify_quantized(path, settings)
    assert error(fp32, path) < 0.05


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (QuantizeSettings(method="int4"), "'int4' is unknown; known: static, dynamic"),
        (QuantizeSettings(exclude=("layer.7",)), "'layer.7' is in no name of a matrix product"),
    ],
)
def test_settings_that_mean_nothing_are_refused(
    fp32: Path, tmp_path: Path, settings: QuantizeSettings, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        quantize_graph(fp32, tmp_path / "int8.onnx", random_rows(0, 1), settings)


def test_calibration_needs_a_sentence(fp32: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="at least 1"):
        quantize_graph(fp32, tmp_path / "int8.onnx", [], QuantizeSettings())
