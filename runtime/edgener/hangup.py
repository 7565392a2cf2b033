"""SIGHUP, by which an operator makes a service read its files again, and which ends a process that has no handler."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

NUMBERS = {signal.SIGHUP}


def hold() -> None:
    """Let SIGHUP wait from now on, but for blocks with ``released``; the end of the process drops one that waits."""
    signal.pthread_sigmask(signal.SIG_BLOCK, NUMBERS)


@contextmanager
def released() -> Iterator[None]:
    """Let SIGHUP come while the block runs, in which a handler must be installed."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, NUMBERS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
