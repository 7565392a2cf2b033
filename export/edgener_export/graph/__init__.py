"""ONNX graphs: exported from torch, rewritten, quantized."""
