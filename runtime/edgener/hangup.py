"""SIGHUP, by which an operator makes a service read its files again, and which ends a process that has no handler."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

NUMBERS = {signal.SIGHUP}


@contextmanager
def held() -> Iterator[None]:
    """Let SIGHUP wait until ``released`` lets it come; one that still waits at the end of the block is dropped."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, NUMBERS)
    try:
        yield
    finally:
        signal.sigtimedwait(NUMBERS, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def released() -> Iterator[None]:
    """Let SIGHUP come while the block runs, in which a handler must be installed."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, NUMBERS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
