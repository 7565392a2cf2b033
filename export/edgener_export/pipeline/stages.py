"""The stages of a build, announced as they begin, so that whoever waits knows what is done and how much is left."""

from __future__ import annotations

from collections.abc import Callable

TRAIN, EXPORT, QUANTIZE, CONVERT = "train", "export to ONNX", "quantize to int8", "convert to fp16"
SCORE_FP32, SCORE_INT8, SCORE_FP16 = "score fp32", "score int8", "score fp16"
REPORT, PACK = "measure and write the report", "pack"


class Stages:
    """Logs ``stage 3 of 7: quantize to int8`` when that stage begins."""

    def __init__(self, log: Callable[[str], None], *, fp16: bool) -> None:
        """Count the stages of a build, with those of the graph for GPUs if ``fp16`` is set."""
        names = (TRAIN, EXPORT, QUANTIZE, CONVERT, SCORE_FP32, SCORE_INT8, SCORE_FP16, REPORT, PACK)
        self._names = [name for name in names if fp16 or name not in (CONVERT, SCORE_FP16)]
        self._log = log

    def begin(self, name: str) -> None:
        """Announce a stage."""
        self._log(f"stage {self._names.index(name) + 1} of {len(self._names)}: {name}")
