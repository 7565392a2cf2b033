"""What is said to people, on standard error: nothing that goes wrong there stops the work."""

from __future__ import annotations

import os
import sys


def say(message: str) -> None:
    """One line."""
    show(f"edgener: {message}\n")


def show(text: str) -> None:
    """Text as it is, at once, where standard error is open and takes it."""
    if sys.stderr is None:  # closed by the caller, as in `edgener 2>&-`
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:  # a full disk, or nobody reads; what is left in the buffer would fail again at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def is_terminal() -> bool:
    """Whether somebody looks on."""
    return sys.stderr is not None and sys.stderr.isatty()
