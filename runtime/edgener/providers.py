"""What computes the graph, by the name that ``--provider`` takes, and what onnxruntime calls it."""

from __future__ import annotations

CPU = "cpu"
PROVIDERS = {
    CPU: ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider", "CPUExecutionProvider"),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"),
}
"""The first one is asked for; those that follow take the operations that it does not know."""
