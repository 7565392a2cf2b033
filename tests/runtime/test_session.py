"""A session runs a graph as it is stored, and only with a provider and a manifest that fit it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from edgener import Recognizer
from edgener.bundle import GRAPH, Manifest
from edgener.errors import (
    BundleUnreadableError,
    GraphError,
    MachineError,
    ProviderError,
    SignatureError,
    UsageError,
)
from edgener.providers import PROVIDERS
from edgener.session import AbandonedError, SerialSession, Session, graph_signature, session_options
from tests.support import TINY_BUNDLE, missing_providers, read_manifest

PLACE = TINY_BUNDLE / GRAPH
MANIFEST = read_manifest(TINY_BUNDLE)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_graph_runs_as_it_is_stored_on_threads_that_sleep(threads: int) -> None:
    options = session_options(threads)
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (threads, 1)
    assert options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    assert options.log_severity_level == 4
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_a_graph_is_described_as_its_manifest_does() -> None:
    assert graph_signature(PLACE) == (MANIFEST.inputs, MANIFEST.outputs)


def test_a_path_that_is_not_utf8_is_told_and_its_tokenizer_is_not_blamed(bundle: Path) -> None:
    renamed = bundle.rename(os.fsdecode(os.fsencode(bundle) + b"\xff"))
    with pytest.raises(BundleUnreadableError) as caught:
        Recognizer.load(renamed)
    remedy = "onnxruntime opens no path that is not UTF-8; rename the directory of the model"
    assert str(caught.value) == f"{renamed / GRAPH}: {remedy}"


@pytest.mark.parametrize(("serial", "kind"), [(False, Session), (True, SerialSession)])
def test_a_recognizer_computes_for_one_thread_at_a_time_only_on_request(serial: bool, kind: type[Session]) -> None:
    assert type(Recognizer.load(TINY_BUNDLE, serial=serial)._session) is kind


@pytest.mark.parametrize("kind", [Session, SerialSession])
def test_logits_have_a_row_for_each_token_until_the_session_is_abandoned(kind: type[Session]) -> None:
    session = kind(PLACE, MANIFEST, 1)
    ids, mask = np.array([[2, 5, 3], [2, 3, 0]]), np.array([[1, 1, 1], [1, 1, 0]])
    logits = session(ids, mask)
    assert logits.shape == (2, 3, len(MANIFEST.tags))
    assert logits.dtype == np.float32
    assert not np.array_equal(logits, session(ids, np.ones_like(mask)))
    session.abandon()
    with pytest.raises(AbandonedError):
        session(ids, mask)


@pytest.mark.parametrize("provider", missing_providers())
def test_a_provider_that_is_not_there_is_told_with_those_that_are(provider: str) -> None:
    with pytest.raises(ProviderError) as caught:
        Session(PLACE, MANIFEST, 1, provider)
    available = ", ".join(onnxruntime.get_available_providers())
    assert str(caught.value) == (
        f"{provider}: {PROVIDERS[provider][0]} is not in onnxruntime {onnxruntime.__version__}, which has {available}; "
        "install an onnxruntime that is built for this GPU and its driver, or use --provider cpu"
    )


def test_a_gpu_that_cannot_open_the_graph_is_told_and_nothing_is_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [PROVIDERS["cuda"][0]])  # it has none here
    with pytest.raises(ProviderError) as caught:
        Session(PLACE, MANIFEST, 1, "cuda")
    assert str(caught.value).startswith(f"{PLACE}: onnxruntime {onnxruntime.__version__} cannot run it by cuda: ")
    assert str(caught.value).endswith("; --provider cpu may do it")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(("provider", "kind"), [("cpu", MachineError), ("cuda", ProviderError)])
def test_a_run_that_fails_is_told_and_computed_by_nothing_else(
    provider: str, kind: type[Exception], capfd: pytest.CaptureFixture[str]
) -> None:
    session = Session(PLACE, MANIFEST, 1)
    assert not session._session._enable_fallback
    session._provider = provider
    far_outside = np.array([[1 << 40]])
    with pytest.raises(kind, match=f"onnxruntime {onnxruntime.__version__} cannot compute: "):
        session(far_outside, np.ones_like(far_outside))
    assert capfd.readouterr().out == ""


def test_an_unknown_provider_is_told_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        Session(PLACE, MANIFEST, 1, "npu")
    assert str(caught.value) == "provider is 'npu'; known: cpu, cuda, tensorrt"


def test_a_file_that_is_no_graph_is_named(tmp_path: Path) -> None:
    (tmp_path / GRAPH).write_bytes(b"no graph")
    with pytest.raises(GraphError) as caught:
        Session(tmp_path / GRAPH, MANIFEST, 1)
    message = f"{tmp_path / GRAPH}: onnxruntime {onnxruntime.__version__} cannot run it: "
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "manifest",
    [replace(MANIFEST, inputs=()), replace(MANIFEST, outputs=()), replace(MANIFEST, inputs=MANIFEST.inputs[::-1])],
    ids=["inputs", "outputs", "order"],
)
def test_a_graph_that_the_manifest_describes_otherwise_is_refused(manifest: Manifest) -> None:
    with pytest.raises(SignatureError) as caught:
        Session(PLACE, manifest, 1)
    assert str(caught.value) == (
        f"{PLACE}: its inputs and outputs {(MANIFEST.inputs, MANIFEST.outputs)} are not those of the manifest "
        f"{(manifest.inputs, manifest.outputs)}; export the model again"
    )
