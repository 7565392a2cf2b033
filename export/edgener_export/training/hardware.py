"""The hardware of a training: this process's CPU, or the GPUs and machines that accelerate names.

A recipe's optimizer step is the same everywhere: processes share the batches of a step, ``accumulate`` of them, and add
up their gradients. Everything else each of them does alike, so that all have the same weights; the first one writes.
The only file that imports accelerate. GPUs are untested.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import cache
from importlib.util import find_spec
from typing import Any, Protocol, TypeVar

import torch

LONGEST_WAIT = timedelta(days=2)
"""The time that processes wait for the first one, which may have a teacher read a whole corpus."""

Item = TypeVar("Item")


class Hardware(Protocol):
    """The device of this process, and what it has to do with others."""

    device: torch.device
    is_main: bool
    """This process is the one that writes."""
    processes: int
    """The number of processes that train together."""

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return this process's part of what all processes do together."""

    def add_up(self, tensors: Iterable[torch.Tensor]) -> None:
        """Replace fp32 tensors by their sums over all processes."""

    def main_first(self) -> AbstractContextManager[None]:
        """Return a context that the other processes enter when the main one has left it."""


class OneCpu:
    """One process on the CPU, which needs no accelerate."""

    device = torch.device("cpu")
    is_main = True
    processes = 1

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        return items

    def add_up(self, tensors: Iterable[torch.Tensor]) -> None:
        pass

    def main_first(self) -> AbstractContextManager[None]:
        return nullcontext()


class Accelerated:
    """The device that accelerate chooses, and all processes that ``accelerate launch`` started."""

    def __init__(self) -> None:
        from accelerate import Accelerator, InitProcessGroupKwargs

        self._accelerator: Any = Accelerator(
            mixed_precision="no", kwargs_handlers=[InitProcessGroupKwargs(timeout=LONGEST_WAIT)]
        )
        self.device: torch.device = self._accelerator.device
        self.is_main = bool(self._accelerator.is_main_process)
        self.processes = int(self._accelerator.num_processes)

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        return items[self._accelerator.process_index :: self.processes]

    def add_up(self, tensors: Iterable[torch.Tensor]) -> None:
        if self.processes == 1:
            return
        parts = list(tensors)
        sums: torch.Tensor = self._accelerator.reduce(torch.cat([part.flatten() for part in parts]), "sum")
        start = 0
        for part in parts:
            part.copy_(sums[start : start + part.numel()].view_as(part))
            start += part.numel()

    def main_first(self) -> AbstractContextManager[None]:
        first: AbstractContextManager[None] = self._accelerator.main_process_first()
        return first


@cache
def hardware() -> Hardware:
    """Return the hardware of this process."""
    return Accelerated() if find_spec("accelerate") else OneCpu()
