"""What computes the graph, by the name that ``--provider`` takes, and what onnxruntime calls it."""

from __future__ import annotations

CPU = "cpu"
PROVIDERS = {
    CPU: ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider", "CPUExecutionProvider"),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"),
}
"""The first one is asked for; those that follow take the operations that it does not know."""
FP16_OPTIONS = {"TensorrtExecutionProvider": {"trt_fp16_enable": "1"}}
"""What a provider must be told to compute an fp16 graph: TensorRT else refuses its layers."""


def execution_providers(provider: str, *, is_fp16: bool) -> list[str | tuple[str, dict[str, str]]]:
    """``provider`` as onnxruntime takes it, for a graph in fp16 or another one."""
    options = FP16_OPTIONS if is_fp16 else {}
    return [(name, options[name]) if name in options else name for name in PROVIDERS[provider]]
