"""The graph for GPUs: what it holds, what a GPU would round, and that a bundle with it finds the same names."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from edgener import Recognizer
from edgener.bundle import FP16_FILES, FP16_GRAPH, GOLDEN, Bundle, load_bundle
from edgener.golden import read_cases
from edgener.providers import PROVIDERS
from edgener_export.cli.main import main
from edgener_export.errors import GateError
from edgener_export.graph.export import external_data_path, op_histogram, open_session
from edgener_export.graph.fp16 import Fp16, convert_graph, imitate
from edgener_export.report.record import read_report
from tests.support import labelled_texts, names, run_main

ROWS = [np.array([2, 17, 40, 99, 3]), np.array([2, 5, 3])]
WITH_FP16 = ["--set", "gpu.fp16=true"]


@pytest.fixture(scope="module")
def converted(exported: Path) -> Fp16:
    return convert_graph(exported, exported.parent / "fp16", ROWS)


@pytest.fixture(scope="module")
def run(build_tiny: list[str], tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run, built once more with a graph for GPUs."""
    copy = shutil.copytree(tiny_run, tmp_path_factory.mktemp("fp16") / "run")
    assert main([*build_tiny, *WITH_FP16, "--run", str(copy)]) == 0
    return copy


@pytest.fixture(scope="module")
def bundle(run: Path) -> Bundle:
    return load_bundle(run / "bundle")


@pytest.fixture
def gpu_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU is asked for, and the CPU computes."""
    monkeypatch.setitem(PROVIDERS, "cuda", PROVIDERS["cpu"])


def signature(path: Path) -> list[tuple[str, str, list[str | int]]]:
    session = open_session(path)
    return [(node.name, node.type, node.shape) for node in (*session.get_inputs(), *session.get_outputs())]


def element_types(path: Path, *inputs_of: str) -> set[int]:
    """Element types of the floating-point constants, if given only of those that nodes of these types take."""
    graph = onnx.load(path).graph
    wanted = {name for node in graph.node if not inputs_of or node.op_type in inputs_of for name in node.input}
    floating = (TensorProto.FLOAT, TensorProto.FLOAT16)
    return {tensor.data_type for tensor in graph.initializer if tensor.name in wanted and tensor.data_type in floating}


def two_products(first: float, second: float) -> ModelProto:
    """x * first * second, in float16 from after the input to before the output."""
    constants = {"first": np.array([first], np.float16), "second": np.array([second], np.float16)}
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["x"], ["x_fp16"], to=TensorProto.FLOAT16),
            helper.make_node("Mul", ["x_fp16", "first"], ["inner"]),
            helper.make_node("Mul", ["inner", "second"], ["y_fp16"]),
            helper.make_node("Cast", ["y_fp16"], ["y"], to=TensorProto.FLOAT),
        ],
        "products",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def test_ids_go_in_as_integers_and_logits_come_out_in_fp32(exported: Path, converted: Fp16) -> None:
    assert signature(converted.graph) == signature(converted.imitation) == signature(exported)


def test_weights_are_fp16_but_for_those_of_the_normalizations(converted: Fp16) -> None:
    assert element_types(converted.graph, "MatMul", "Gather") == {TensorProto.FLOAT16}
    assert element_types(converted.graph, "LayerNormalization") == {TensorProto.FLOAT}


def test_it_holds_no_operation_of_onnxruntimes_own_so_that_tensorrt_can_take_it_whole(
    exported: Path, converted: Fp16
) -> None:
    assert {node.domain for node in onnx.load(converted.graph).graph.node} == {""}
    before, after = op_histogram(exported), op_histogram(converted.graph)
    assert {name: count for name, count in after.items() if name != "Cast"} == {
        name: count for name, count in before.items() if name != "Cast"
    }


def test_logits_are_close_to_those_of_fp32_but_not_equal(converted: Fp16) -> None:
    assert 0 < converted.largest_difference < 0.02


def test_the_imitation_overflows_where_onnxruntimes_cpu_hides_it() -> None:
    model = two_products(200, 0.001)
    hidden, shown = (
        ort.InferenceSession(each.SerializeToString(), providers=["CPUExecutionProvider"]).run(
            None, {"x": np.array([1000], np.float32)}
        )[0]
        for each in (model, imitate(model))
    )
    assert np.isfinite(hidden).all()
    assert np.isinf(shown).all()


def test_a_model_that_overflows_is_refused(exported: Path, tmp_path: Path) -> None:
    model = onnx.load(exported)
    inner = next(tensor for tensor in model.graph.initializer if tensor.name.endswith("intermediate.dense.bias"))
    inner.CopyFrom(numpy_helper.from_array(np.full(64, 6e4, np.float32), inner.name))
    outer = next(tensor for tensor in model.graph.initializer if list(tensor.dims) == [64, 32])
    outer.CopyFrom(numpy_helper.from_array(np.full((64, 32), 1e-5, np.float32), outer.name))
    onnx.save(model, tmp_path / "fp32.onnx")
    with pytest.raises(GateError, match=r"model\.fp16\.onnx: logits differ from fp32 by up to nan"):
        convert_graph(tmp_path / "fp32.onnx", tmp_path / "fp16", ROWS)


def test_same_source_same_bytes(exported: Path, converted: Fp16, tmp_path: Path) -> None:
    again = convert_graph(exported, tmp_path, ROWS)
    for path, same in ((converted.graph, again.graph), (converted.imitation, again.imitation)):
        assert path.read_bytes() == same.read_bytes()
        assert external_data_path(path).read_bytes() == external_data_path(same).read_bytes()


def test_the_bundle_holds_what_it_held_without_and_the_graph_for_gpus(tiny_run: Path, bundle: Bundle) -> None:
    plain = load_bundle(tiny_run / "bundle").manifest
    assert bundle.manifest.files.keys() - plain.files.keys() == set(FP16_FILES)
    changed = {name for name, file in plain.files.items() if bundle.manifest.files[name] != file}
    assert changed == {"README.md"}
    assert [(one.graph, one.sentences) for one in bundle.manifest.quality] == [
        ("fp32", 120), ("int8", 120), ("fp16", 120),
    ]  # fmt: skip


@pytest.mark.usefixtures("gpu_is_the_cpu")
def test_the_graph_for_gpus_finds_the_names_that_int8_and_fp32_find(run: Path, bundle: Bundle) -> None:
    fp16, int8, fp32 = (
        Recognizer.load(bundle.directory, provider="cuda"),
        Recognizer.load(bundle.directory),
        Recognizer.load(run / "fp32-draft"),
    )
    texts = [case.text for case in read_cases(bundle.path(GOLDEN))] + [row.text for row in labelled_texts()]
    for text in texts:
        assert names(fp16(text)) == names(int8(text)) == names(fp32(text)), text
    assert not np.array_equal(fp16.logits(texts[0])[0], int8.logits(texts[0])[0]), "another graph"


@pytest.mark.usefixtures("gpu_is_the_cpu")
def test_its_golden_cases_are_its_own_and_hold(bundle: Bundle) -> None:
    own, other = (read_cases(bundle.golden(provider)) for provider in ("cuda", "cpu"))
    assert [case.text for case in own] == [case.text for case in other]
    assert all(mine.logits_sha256 != others.logits_sha256 for mine, others in zip(own, other, strict=True) if mine.text)
    finished = run_main("check", str(bundle.directory), "--provider", "cuda")
    assert finished.code == 0
    output = finished.output.decode()
    assert FP16_GRAPH in output
    assert f"{len(own)} of {len(own)} golden cases match" in output


def test_the_report_has_a_section_and_the_gate_two_checks_for_it(run: Path, bundle: Bundle) -> None:
    report = read_report(run)
    assert report.fp16 is not None
    assert report.fp16.f1 == bundle.manifest.quality[2].f1
    assert report.fp16.bytes == sum(bundle.manifest.files[name].size for name in FP16_FILES if name.count("onnx"))
    assert [check.name for check in report.gate] == [
        "F1 of int8", "F1 lost by quantization", "size of the bundle", "F1 of fp16", "F1 lost in fp16",
    ]  # fmt: skip
    assert "The fp16 graph for GPUs" in (run / "report.md").read_text(encoding="utf-8")
    assert "not on a GPU" in bundle.path("README.md").read_text(encoding="utf-8")


def test_the_gate_keeps_a_bad_graph_for_gpus_out(
    build_tiny: list[str], run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "bundle"
    settings = [*WITH_FP16, "--set", "gate.loss=-1"]
    code = main([*build_tiny, *settings, "--run", str(run), "--bundle", str(target)])
    assert code == GateError.exit_code
    assert "fp16 costs" in capsys.readouterr().err
    assert not target.exists()


def test_the_size_gate_counts_what_a_cpu_needs(build_tiny: list[str], run: Path, tmp_path: Path) -> None:
    small = sum(path.stat().st_size for path in (run / "bundle").iterdir() if path.name not in FP16_FILES)
    limit = ["--set", f"gate.megabytes={(small + 1000) / 1e6}"]
    assert main([*build_tiny, *WITH_FP16, *limit, "--run", str(run), "--bundle", str(tmp_path / "again")]) == 0
    for path in (run / "bundle").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
