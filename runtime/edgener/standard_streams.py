"""Standard output, standard error, signals and exit codes, which the three command lines treat alike.

``write`` puts results on standard output; ``say`` and ``log`` put messages on standard error, where nothing that goes
wrong stops the work; ``exit_code`` runs a program and turns every way in which it can end into its exit code.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import BinaryIO, TextIO

from edgener.errors import EdgenerError, InputError, OutputError

INTERRUPTED = 128 + signal.SIGINT
CLOSED_PIPE = 128 + signal.SIGPIPE
TERMINATED = 128 + signal.SIGTERM
"""Exit codes of a shell for a program that was ended by these signals."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""Error numbers of the operating system for a disk that takes no more."""


class TerminatedError(KeyboardInterrupt):
    """The program received SIGTERM; whatever cleans up after Ctrl-C cleans up after it too."""


def exit_code(program: str, work: Callable[[], None], when_interrupted: str = "") -> int:
    """Run ``work`` and return the exit code of ``program``, after telling on standard error what went wrong.

    The code is that of the EdgenerError which ``work`` raised; 130 after Ctrl-C and 143 after SIGTERM, where
    ``when_interrupted`` is told if it is not empty; 141 where nobody reads standard output any more; 4 where standard
    output or a file takes no more data; 3 for a file that does not exist and 1 for any other error of the operating
    system; and the code with which argparse ends the program.
    """
    try:
        with _sigterm_raises():
            return _run(work)
    except KeyboardInterrupt as interrupt:
        if when_interrupted:
            say(when_interrupted, program)
        return TERMINATED if isinstance(interrupt, TerminatedError) else INTERRUPTED
    except BrokenPipeError:
        return CLOSED_PIPE
    except EdgenerError as error:
        say(str(error), program)
        return error.exit_code
    except OSError as error:
        say(": ".join(str(part) for part in (error.filename, error.strerror or error) if part), program)
        return _code_of(error)
    finally:
        for stream in (sys.stdout, sys.stderr):
            _flush_or_discard(stream)


def write(text: str) -> None:
    """Write text to standard output as UTF-8, and flush: a consumer behind a pipe must not wait.

    Lone surrogates that stand for undecodable bytes become these bytes again. Raises OutputError where standard output
    is closed or takes no more, BrokenPipeError where nobody reads it.
    """
    if sys.stdout is None:
        raise OutputError("standard output: is closed; leave it open, or send it to /dev/null")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output: cannot be written: {error.strerror}") from error


def say(message: str, program: str = "edgener") -> None:
    """Show a message of one line on standard error, after the name of the program."""
    show(f"{program}: {message}\n")


def log(message: str) -> None:
    """Show one line about the progress of the work on standard error."""
    show(f"{message}\n")


class _WholeTexts:
    """A writer that loses a text for which there is no room, but not the rest of one that it has begun."""

    def __init__(self) -> None:
        self._rest = b""

    def write(self, stream: BinaryIO, content: bytes) -> None:
        """Write to a stream without a buffer, after the rest of an earlier content."""
        self._rest = _unwritten(stream, self._rest)
        if not self._rest:
            rest = _unwritten(stream, content)
            self._rest = rest if len(rest) < len(content) else b""


_standard_error = _WholeTexts()


def show(text: str) -> None:
    """Show text on standard error at once; it is lost where standard error is closed or full, which is no error."""
    if sys.stderr is None:  # closed by the caller, as in `edgener 2>&-`
        return
    with suppress(OSError):
        if not hasattr(sys.stderr, "buffer"):  # a stream that takes nothing but text
            sys.stderr.write(text)
            return
        sys.stderr.flush()
        raw = getattr(sys.stderr.buffer, "raw", sys.stderr.buffer)  # with python -u there is no other buffer
        _standard_error.write(raw, text.encode(sys.stderr.encoding, "backslashreplace"))


def is_terminal() -> bool:
    """Return True if standard error is a terminal, so that progress is seen by a person."""
    return sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def held_signals() -> Iterator[None]:
    """Put Ctrl-C and SIGTERM off while libraries load: onnxruntime would report either as an ImportError."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(work: Callable[[], None]) -> int:
    write("")  # a closed standard output is told before any work is done
    try:
        work()
    except SystemExit as stop:  # argparse ends so after --help, --version and wrong arguments
        return stop.code if isinstance(stop.code, int) else 0
    write("")  # what a library has printed
    return 0


def _code_of(error: OSError) -> int:
    if error.errno in NO_ROOM:
        return OutputError.exit_code
    return InputError.exit_code if isinstance(error, FileNotFoundError) else EdgenerError.exit_code


def _unwritten(stream: BinaryIO, content: bytes) -> bytes:
    """Write as much of ``content`` as there is room for; return the rest."""
    with suppress(OSError):
        while content and (count := stream.write(content)):
            content = content[count:]
    return content


def _flush_or_discard(stream: TextIO | None) -> None:
    """Flush a stream, or send what is buffered nowhere, so that the interpreter's own last flush cannot fail."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Let SIGTERM raise TerminatedError in the main thread, unless the caller ignores or handles the signal."""
    is_ours = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if not is_ours or threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise TerminatedError

    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
