"""The graph for GPUs: they take it, the CPU leaves it closed, and it is vouched for like the rest of the bundle.

Here it is the tiny model's int8 graph under that name; tests/export/graph/test_fp16.py has a real one.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import pytest

from edgener import Recognizer
from edgener.bundle import FP16_FILES, FP16_GOLDEN, FP16_GRAPH, GOLDEN, GRAPH, describe_file, load_bundle
from edgener.errors import BundleUnreadableError, ChecksumError, GoldenError, GraphError, ManifestError, ProviderError
from edgener.installed import check_golden, install
from edgener.minisign import SecretKey
from edgener.providers import PROVIDERS, execution_providers
from edgener.signing import sign_bundle
from tests.support import TINY_BUNDLE, change_manifest, read_manifest, replace_file, run_main, without_rights

TEXT = "王小明在青山大学工作。"


@pytest.fixture
def both(bundle: Path) -> Path:
    """The tiny bundle with a second graph."""
    shutil.copyfile(bundle / GRAPH, bundle / FP16_GRAPH)
    shutil.copyfile(bundle / GOLDEN, bundle / FP16_GOLDEN)
    (bundle / f"{FP16_GRAPH}.data").write_bytes(b"weights")
    added = {name: describe_file(bundle / name) for name in FP16_FILES}
    change_manifest(bundle, files={**read_manifest(bundle).files, **added})
    return bundle


@pytest.fixture
def gpu_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU is asked for, and the CPU computes."""
    monkeypatch.setitem(PROVIDERS, "cuda", PROVIDERS["cpu"])


def break_graph(bundle: Path, name: str) -> None:
    replace_file(bundle, name, b"no graph")


@pytest.mark.parametrize(("provider", "name"), [("cpu", GRAPH), ("cuda", FP16_GRAPH), ("tensorrt", FP16_GRAPH)])
def test_gpus_take_their_graph_and_its_golden_cases(both: Path, provider: str, name: str) -> None:
    bundle = load_bundle(both)
    assert bundle.graph(provider).name == name
    assert bundle.golden(provider).name == (GOLDEN if name == GRAPH else FP16_GOLDEN)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_bundle_with_one_graph_has_it_for_all(provider: str) -> None:
    bundle = load_bundle(TINY_BUNDLE)
    assert (bundle.graph(provider).name, bundle.golden(provider).name) == (GRAPH, GOLDEN)


@pytest.mark.usefixtures("gpu_is_the_cpu")
def test_the_recognizer_computes_the_graph_of_its_provider(both: Path, recognizer: Recognizer) -> None:
    assert Recognizer.load(both, provider="cuda")(TEXT) == recognizer(TEXT)
    break_graph(both, GRAPH)
    assert Recognizer.load(both, provider="cuda")(TEXT) == recognizer(TEXT)
    with pytest.raises(GraphError, match=rf"/{GRAPH}: "):
        Recognizer.load(both)


@pytest.mark.usefixtures("gpu_is_the_cpu")
def test_a_bundle_with_one_graph_works_on_a_gpu(recognizer: Recognizer) -> None:
    assert Recognizer.load(TINY_BUNDLE, provider="cuda")(TEXT) == recognizer(TEXT)


def test_a_missing_gpu_is_named_before_its_graph(both: Path) -> None:
    provider = next(name for name in PROVIDERS if name != "cpu")
    with pytest.raises(ProviderError, match="is not in onnxruntime"):
        Recognizer.load(both, provider=provider)


@pytest.mark.parametrize("name", FP16_FILES)
def test_the_cpu_opens_none_of_the_files_for_gpus(both: Path, recognizer: Recognizer, name: str) -> None:
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)
        bundle = shutil.copytree(both, Path(parent) / "bundle")
        (bundle / name).chmod(0)
        with without_rights():
            assert Recognizer.load(bundle)(TEXT) == recognizer(TEXT)
            for provider in (None, "cuda", "tensorrt"):
                with pytest.raises(BundleUnreadableError, match=f"{name}: cannot be read: Permission denied"):
                    load_bundle(bundle, provider)


@pytest.mark.parametrize("name", FP16_FILES)
def test_a_changed_file_is_refused_by_name_where_it_counts(both: Path, name: str, tmp_path: Path) -> None:
    content = bytearray((both / name).read_bytes())
    content[-1] ^= 1
    (both / name).write_bytes(content)
    for refuse in (load_bundle, check_golden, lambda path: install(path, tmp_path / "models")):
        with pytest.raises(ChecksumError, match=f"{name}: is not the file that was packed"):
            refuse(both)
    finished = run_main("check", str(both))
    assert finished.code == ChecksumError.exit_code
    assert f"{both / name}: is not the file that was packed" in finished.errors


@pytest.mark.parametrize("name", FP16_FILES)
def test_a_cut_off_file_is_seen_without_opening_it(both: Path, name: str) -> None:
    with (both / name).open("r+b") as file:
        file.truncate(3)
    with pytest.raises(ChecksumError, match=f"{name}: has 3 bytes"):
        Recognizer.load(both)


def test_a_graph_without_its_golden_cases_is_refused(both: Path) -> None:
    files = read_manifest(both).files
    change_manifest(both, files={name: file for name, file in files.items() if name != FP16_GOLDEN})
    with pytest.raises(ManifestError, match=f"lists {FP16_GRAPH}, but no {FP16_GOLDEN}"):
        load_bundle(both)


def test_it_is_signed_and_installed_with_the_rest(both: Path, tmp_path: Path) -> None:
    key = SecretKey.generate()
    sign_bundle(both, key)
    installed = install(both, tmp_path / "models", key.public())
    for name in FP16_FILES:
        assert (installed / name).read_bytes() == (both / name).read_bytes()


@pytest.mark.usefixtures("gpu_is_the_cpu")
def test_check_compares_each_graph_with_its_own_golden_cases(both: Path) -> None:
    cases = json.loads((both / FP16_GOLDEN).read_bytes())
    cases["cases"][0]["entities"] = []
    replace_file(both, FP16_GOLDEN, json.dumps(cases).encode())
    (row,) = run_main("check", "--json", str(both)).rows
    assert (row["graph"], row["same_entities"]) == (GRAPH, row["cases"])
    break_graph(both, GRAPH)
    finished = run_main("check", "--json", str(both), "--provider", "cuda")
    assert finished.code == GoldenError.exit_code
    assert (finished.rows[0]["graph"], finished.rows[0]["same_entities"]) == (FP16_GRAPH, row["cases"] - 1)


def test_inspect_tells_what_is_for_gpus(both: Path) -> None:
    replace_file(both, f"{FP16_GRAPH}.data", bytes(1 << 21))
    rest = sum((both / name).stat().st_size for name in (FP16_GRAPH, FP16_GOLDEN))
    (row,) = [line for line in run_main("inspect", str(both)).output.decode().splitlines() if "for GPUs" in line]
    assert row.split("  ")[-1].strip() == f"fp16, {(2_097_152 + rest) / 1e6:.1f} MB of these"
    assert "for GPUs" not in run_main("inspect", str(TINY_BUNDLE)).output.decode()


def test_tensorrt_is_told_that_a_graph_is_in_fp16() -> None:
    first, *rest = execution_providers("tensorrt", is_fp16=True)
    assert first == ("TensorrtExecutionProvider", {"trt_fp16_enable": "1"})
    assert rest == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    for provider, names in PROVIDERS.items():
        assert execution_providers(provider, is_fp16=False) == list(names)
