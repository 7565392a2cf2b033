"""A loaded model behind a Unix socket: each line that a client sends is answered with one line of JSON, in order.

One thread a client; the recognizer computes for one at a time, so that memory does not grow with their number. A client
that sends more than the sockets hold must read meanwhile, as with a pipe: nothing is buffered here without limit.
"""

from __future__ import annotations

import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from edgener.answers import Answers
from edgener.documents import line_groups
from edgener.errors import OutputError
from edgener.recognizer import Recognizer
from edgener.systemd import notify
from edgener.writers import JsonLines

MOST_CLIENTS = 16
"""Served at once; others wait until one leaves."""
DRAIN_SECONDS = 10.0
"""After the signal to stop, for answers to what has already arrived."""


class _CutShortError(Exception):
    """The service stopped reading in the middle of a line, which therefore has no answer."""


class Service:
    """Serves clients until it is told to stop."""

    def __init__(self, recognizer: Recognizer, listener: socket.socket, min_score: float) -> None:
        """``recognizer`` was loaded with ``serial``; ``listener`` is a listening Unix socket."""
        self._recognizer, self._listener, self._min_score = recognizer, listener, min_score
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._wakeups, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        self._is_stopping = False

    def run(self) -> None:
        """Serve until SIGTERM or Ctrl-C; then answer all whole lines that have arrived, and return."""
        self._listener.setblocking(False)
        with _on_signals(self.stop, self._waker):
            notify("READY=1")
            while not self._is_stopping:
                waiting = [self._wakeups, *([self._listener] if len(self._clients) < MOST_CLIENTS else [])]
                ready, _, _ = select.select(waiting, [], [])
                if self._wakeups in ready:
                    self._wakeups.recv(4096)
                if self._listener in ready:
                    self._admit()
            notify("STOPPING=1")
            self._drain()

    def stop(self) -> None:
        """Let ``run`` come to its end."""
        self._is_stopping = True
        self._wake()

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # enough wake-ups are waiting
            self._waker.send(b"\0")

    def _admit(self) -> bool:
        """Begin to serve the next client; False where none waits."""
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # it left again
            return False
        thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
        self._clients[client] = thread
        thread.start()
        return True

    def _serve(self, client: socket.socket) -> None:
        answers = Answers(self._recognizer, JsonLines(), self._min_score)
        try:
            with client, client.makefile("wb") as output:
                for group in line_groups(client.fileno(), self._on_read, lambda: None):
                    for piece in answers(group):
                        output.write(piece.encode())
                    output.flush()
        except (_CutShortError, OSError):  # OSError: the client left before it had its answers
            pass
        finally:
            del self._clients[client]
            self._wake()

    def _on_read(self, count: int) -> None:
        if count == 0 and self._is_stopping:
            raise _CutShortError

    def _drain(self) -> None:
        """Read no more from anyone; what the kernel has already taken from the clients is still answered."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while len(self._clients) < MOST_CLIENTS and self._admit():
            pass
        clients = list(self._clients.items())
        for client, _ in clients:
            _shut(client, socket.SHUT_RD)
        for _, thread in clients:
            thread.join(max(0.0, deadline - time.monotonic()))
        late = [(client, thread) for client, thread in clients if thread.is_alive()]
        for client, _ in late:
            _shut(client, socket.SHUT_RDWR)
        for _, thread in late:
            thread.join()  # of what it computes, nothing can be cut off: onnxruntime would abort the process
        if late:
            print(f"edgener: {len(late)} clients did not take their answers in time", file=sys.stderr)


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A listening socket at ``path``, which is deleted in the end; a dead one that lies there is replaced.

    Raises OutputError where something else is there, or none can be made.
    """
    _remove_stale(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            listener.bind(str(path))
            listener.listen()
        except OSError as error:
            raise OutputError(f"{path}: no socket can be made there: {error.strerror or error}") from error
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _remove_stale(path: Path) -> None:
    if not path.exists():
        return
    if not path.is_socket():
        raise OutputError(f"{path}: is there and no socket; name another path, or delete it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise OutputError(f"{path}: is there and cannot be reached: {error.strerror}; delete it") from error
    raise OutputError(f"{path}: another service answers there; stop it, or name another path")


def _shut(client: socket.socket, how: int) -> None:
    with suppress(OSError):  # its own thread has closed it
        client.shutdown(how)


@contextmanager
def _on_signals(stop: Callable[[], None], waker: socket.socket) -> Iterator[None]:
    """Python calls ``stop`` in the main thread alone, once that runs again: whichever thread the system interrupts, and
    even just before the main thread waits, ``waker`` (which does not block) gets a byte at once.
    """

    def handler(_number: int, _frame: FrameType | None) -> None:
        stop()

    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    fd_before = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(fd_before)
        for number, old in before.items():
            signal.signal(number, old)
