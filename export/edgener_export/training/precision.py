"""The choice between bf16 and fp32 by timing, as bf16 is faster on some processors and unusably slow on others."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from edgener_export.recipe.settings import BF16, FP32

HOPELESS = 20
"""Times as long as a step in fp32 that a first step in bf16 may take, with its warm-up, to get a second one."""


@dataclass(frozen=True)
class PrecisionChoice:
    """The faster precision, and the seconds that a step took in each."""

    precision: str
    bf16: float
    fp32: float

    def __str__(self) -> str:
        return f"computes in {self.precision}: a step takes {self.bf16:.3g} s in bf16 and {self.fp32:.3g} s in fp32"


def choose_precision(step: Callable[[str], object], clock: Callable[[], float] = time.perf_counter) -> PrecisionChoice:
    """Return the precision in which ``step``, which is called with ``bf16`` or ``fp32``, takes less time.

    The better of two steps counts, but a first step in bf16 that is hopelessly slow is not repeated.
    """

    def seconds(precision: str) -> float:
        started = clock()
        step(precision)
        return clock() - started

    fp32 = min(seconds(FP32) for _ in range(2))
    bf16 = seconds(BF16)
    if bf16 < HOPELESS * fp32:
        bf16 = min(bf16, seconds(BF16))
    return PrecisionChoice(BF16 if bf16 < fp32 else FP32, bf16, fp32)
