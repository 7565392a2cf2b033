"""Runs the graph; this is the only file that imports onnxruntime."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgener.bundle import FP16_GRAPH, Manifest, Tensor
from edgener.errors import (
    BundleUnreadableError,
    GraphError,
    MachineError,
    ProviderError,
    SignatureError,
    UsageError,
)
from edgener.providers import CPU, PROVIDERS, execution_providers

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read once, at import

import onnxruntime

INPUTS = ("input_ids", "attention_mask")
NUMPY_NAMES = {"tensor(float)": "float32", "tensor(int64)": "int64", "tensor(int32)": "int32"}


class AbandonedError(Exception):
    """The session was abandoned, so that a call computes nothing any more."""


class Session:
    """A loaded graph, safe to share between threads: it keeps nothing between two runs."""

    def __init__(self, graph: Path, manifest: Manifest, threads: int, provider: str = CPU) -> None:
        _check_path(graph)
        _check_provider(provider, onnxruntime.get_available_providers(), "is not in")
        self._provider = provider
        try:
            self._session = _open(graph, threads, provider)
        except Exception as error:  # onnxruntime's own errors share no base class but this
            told = f"onnxruntime {onnxruntime.__version__} cannot run it"
            if provider == CPU:
                raise GraphError(f"{graph}: {told}: {error}") from error
            raise ProviderError(f"{graph}: {told} by {provider}: {error}; --provider {CPU} may do it") from error
        _check_provider(provider, self._session.get_providers(), "cannot load its libraries in")
        _verify_signature(graph, _signature(self._session), manifest)
        self._is_abandoned = False

    def __call__(self, ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return logits of shape [rows, tokens, tags] for ids and a mask of shape [rows, tokens].

        Raises AbandonedError after ``abandon``; ProviderError where a GPU cannot compute them, as when its memory is
        full, and MachineError where the processor cannot.
        """
        if self._is_abandoned:
            raise AbandonedError
        inputs = dict(zip(INPUTS, (ids, attention_mask), strict=True))
        try:
            logits: NDArray[np.float32] = self._session.run(None, inputs)[0]
        except Exception as error:
            told = f"onnxruntime {onnxruntime.__version__} cannot compute: {error}"
            if self._provider == CPU:
                raise MachineError(f"{told}; is there enough memory?") from error
            raise ProviderError(f"{self._provider}: {told}; --provider {CPU} may do it") from error
        return logits

    def abandon(self) -> None:
        """Refuse all further calls, those that wait for their turn included; runs in progress end normally."""
        self._is_abandoned = True


class SerialSession(Session):
    """A session that runs the graph for one thread at a time, in the memory that one run needs."""

    def __init__(self, graph: Path, manifest: Manifest, threads: int, provider: str = CPU) -> None:
        super().__init__(graph, manifest, threads, provider)
        self._turn = threading.Lock()

    def __call__(self, ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return logits like Session, after the calls of other threads have ended."""
        with self._turn:
            return super().__call__(ids, attention_mask)


def graph_signature(graph: Path) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the inputs and outputs of a graph as a manifest describes them."""
    return _signature(_open(graph, threads=1, provider=CPU))


def _open(graph: Path, threads: int, provider: str) -> onnxruntime.InferenceSession:
    options = session_options(threads)
    if provider != CPU:  # no graph is stored in the form that a GPU runs best
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    providers = execution_providers(provider, is_fp16=graph.name == FP16_GRAPH)
    # With onnxruntime's fallback, a GPU that fails would print into the results and leave the work to the processor.
    return onnxruntime.InferenceSession(str(graph), options, providers=providers, enable_fallback=0)


def _check_path(graph: Path) -> None:
    """Raise BundleUnreadableError for a path that onnxruntime, which takes UTF-8 alone, could not be told."""
    try:
        str(graph).encode()
    except UnicodeEncodeError as error:
        raise BundleUnreadableError(
            f"{graph}: onnxruntime opens no path that is not UTF-8; rename the directory of the model"
        ) from error


def _check_provider(provider: str, available: Sequence[str], trouble: str) -> None:
    """Raise an error for a provider that is not there: onnxruntime would silently compute on the CPU instead."""
    if provider not in PROVIDERS:
        raise UsageError(f"provider is {provider!r}; known: {', '.join(PROVIDERS)}")
    if PROVIDERS[provider][0] not in available:
        raise ProviderError(
            f"{provider}: {PROVIDERS[provider][0]} {trouble} onnxruntime {onnxruntime.__version__}, which has "
            f"{', '.join(available)}; install an onnxruntime that is built for this GPU and its driver, or use "
            f"--provider {CPU}"
        )


def _signature(session: onnxruntime.InferenceSession) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    inputs = tuple(_describe(node) for node in session.get_inputs())
    return inputs, tuple(_describe(node) for node in session.get_outputs())


def session_options(threads: int) -> onnxruntime.SessionOptions:
    """Return options to run a graph as it is stored, on ``threads`` cores of the CPU that sleep while they wait."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _describe(node: onnxruntime.NodeArg) -> Tensor:
    return Tensor(node.name, NUMPY_NAMES.get(node.type, node.type), tuple(str(axis) for axis in node.shape))


def _verify_signature(graph: Path, found: tuple[tuple[Tensor, ...], tuple[Tensor, ...]], manifest: Manifest) -> None:
    if found != (manifest.inputs, manifest.outputs):
        raise SignatureError(
            f"{graph}: its inputs and outputs {found} are not those of the manifest "
            f"{(manifest.inputs, manifest.outputs)}; export the model again"
        )
    if tuple(tensor.name for tensor in manifest.inputs) != INPUTS:
        raise SignatureError(f"{graph}: takes other inputs than {INPUTS}; export the model again")
    tags = manifest.outputs[0].shape[-1] if manifest.outputs else "no output"
    if tags != str(len(manifest.tags)):
        raise SignatureError(f"{graph}: gives {tags} values a token, but the manifest lists {len(manifest.tags)} tags")
