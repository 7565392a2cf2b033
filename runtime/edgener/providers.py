"""Execution providers, which compute the graph: the names that ``--provider`` takes and those of onnxruntime."""

from __future__ import annotations

CPU = "cpu"
PROVIDERS = {
    CPU: ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider", "CPUExecutionProvider"),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"),
}
"""The first one is asked for; those that follow take the operations that it does not know."""
FP16_OPTIONS = {"TensorrtExecutionProvider": {"trt_fp16_enable": "1"}}
"""Options that a provider needs to compute an fp16 graph: TensorRT refuses its layers without them."""


def execution_providers(provider: str, *, is_fp16: bool) -> list[str | tuple[str, dict[str, str]]]:
    """Return the providers and their options as onnxruntime takes them, for an fp16 graph or another one."""
    options = FP16_OPTIONS if is_fp16 else {}
    return [(name, options[name]) if name in options else name for name in PROVIDERS[provider]]
