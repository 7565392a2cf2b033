"""A loaded model behind a Unix socket: each line that a client sends is answered with one line of JSON, in order.

One thread a client; the recognizer computes for one at a time, so that memory does not grow with their number. A client
that sends more than the sockets hold must read meanwhile, as with a pipe: nothing is buffered here without limit.
"""

from __future__ import annotations

import fcntl
import math
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType

from edgener import hangup
from edgener.answers import Answers
from edgener.errors import OutputError
from edgener.line_reader import line_groups
from edgener.output_formats import JsonLines
from edgener.recognizer import Recognizer
from edgener.session import AbandonedError
from edgener.standard_streams import say
from edgener.systemd import Watchdog, notify, watchdog_seconds

MOST_CLIENTS = 16
"""Number of clients that are served at once; others wait until one leaves or has been silent for SILENT_SECONDS."""
SILENT_SECONDS = 600.0
"""Seconds of silence after which a client makes room: a program may forget its connections."""
LOOK_SECONDS = 1.0
"""Seconds between two searches for silent clients while others may be waiting, and before one is admitted again."""
TOLD_SECONDS = 60.0
"""Seconds after which it is told again that no client can be admitted."""
DRAIN_SECONDS = 10.0
"""Seconds after the signal to stop in which lines that have arrived are still answered."""
LOCK_SECONDS, LOCK_LOOK_SECONDS = 5.0, 0.05
"""Seconds to wait for the lock of the socket's directory, and between two tries."""


class _CutShortError(Exception):
    """The service stopped reading in the middle of a line, which therefore has no answer."""


class _Client:
    """A connection, and the time at which something last went through it."""

    def __init__(self, connection: socket.socket, serve: Callable[[_Client], None]) -> None:
        self.connection = connection
        self.thread = threading.Thread(target=serve, args=(self,), daemon=True)
        self.touch()

    def touch(self) -> None:
        """Note that something goes through the connection now."""
        self.active_at = time.monotonic()

    def shut(self, how: int) -> None:
        """Let the client's thread read, or write, no more."""
        with suppress(OSError):  # its own thread has closed it
            self.connection.shutdown(how)


class Service:
    """A service that answers clients until it is told to stop."""

    def __init__(self, recognizer: Recognizer, listener: socket.socket) -> None:
        """``recognizer`` was loaded with ``serial``; ``listener`` is a listening Unix socket."""
        self._recognizer, self._listener = recognizer, listener
        self._clients: set[_Client] = set()
        self._wakeups, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        self._is_stopping = False
        self._admits_at = self._told_at = -math.inf

    def run(self) -> None:
        """Serve until SIGTERM, Ctrl-C, SIGHUP or ``stop``; then answer all whole lines that have come, and return."""
        self._listener.setblocking(False)
        with self._wakeups, self._waker, _on_signals(self.stop, self._waker), closing(Watchdog()) as watchdog:
            say(f"ready, answers on {self._listener.getsockname()}")
            notify("READY=1")
            while not self._is_stopping:
                now = time.monotonic()
                watchdog.feed(now)
                is_full = len(self._clients) >= MOST_CLIENTS or now < self._admits_at
                waiting = [self._wakeups, *([] if is_full else [self._listener])]
                ready, _, _ = select.select(waiting, [], [], LOOK_SECONDS if is_full or watchdog_seconds() else None)
                if self._wakeups in ready:
                    self._wakeups.recv(4096)
                if self._listener in ready:
                    self._admit()
                if is_full and not ready:
                    self._make_room()
            notify("STOPPING=1")
            self._drain()

    def stop(self) -> None:
        """Make ``run`` come to its end."""
        self._is_stopping = True
        self._wake()

    def _wake(self) -> None:
        with suppress(OSError):  # enough wake-ups are waiting, or ``run`` has ended
            self._waker.send(b"\0")

    def _admit(self) -> bool:
        """Begin to serve the next client and return True, or return False where none waits."""
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # it left again
            return False
        except OSError as error:  # such as too many open files
            self._rest(f"a client has to wait: {error.strerror}")
            return False
        client = _Client(connection, self._serve)
        self._clients.add(client)
        try:
            client.thread.start()
        except RuntimeError as error:  # no thread can be started
            self._clients.remove(client)
            connection.close()
            self._rest(f"a client was turned away: {error}")
            return False
        return True

    def _rest(self, reason: str) -> None:
        """Admit nobody for a moment, and tell why unless that was told just now."""
        now = time.monotonic()
        self._admits_at = now + LOOK_SECONDS
        if now - self._told_at > TOLD_SECONDS:
            self._told_at = now
            say(reason)

    def _make_room(self) -> None:
        """Close the connection that has been silent for longest, if that is long and somebody waits."""
        is_somebody_waiting, _, _ = select.select([self._listener], [], [], 0)
        clients = list(self._clients)
        if not is_somebody_waiting or not clients:
            return
        client = min(clients, key=lambda client: client.active_at)
        if time.monotonic() - client.active_at > SILENT_SECONDS:
            say(f"a client that was silent for {SILENT_SECONDS:.0f} seconds makes room for another one")
            client.shut(socket.SHUT_RDWR)
            client.touch()

    def _serve(self, client: _Client) -> None:
        answers = Answers(self._recognizer, JsonLines())
        try:
            with client.connection as connection, connection.makefile("wb") as output:
                for group in line_groups(connection.fileno(), partial(self._on_read, client), _ignore):
                    for piece in answers(group):
                        output.write(piece.encode())
                        client.touch()
                    output.flush()
                    client.touch()
        except (_CutShortError, AbandonedError, OSError):  # OSError: the client left before it had its answers
            pass
        finally:
            self._clients.remove(client)
            self._wake()

    def _on_read(self, client: _Client, count: int) -> None:
        client.touch()
        if count == 0 and self._is_stopping:
            raise _CutShortError

    def _drain(self) -> None:
        """Read no more from anyone; what the kernel has already taken from the clients is still answered."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while len(self._clients) < MOST_CLIENTS and self._admit():
            pass
        clients = list(self._clients)
        for client in clients:
            client.shut(socket.SHUT_RD)
        for client in clients:
            client.thread.join(max(0.0, deadline - time.monotonic()))
        late = [client for client in clients if client.thread.is_alive()]
        if not late:
            return
        self._recognizer.abandon()
        for client in late:
            client.shut(socket.SHUT_RDWR)
        for client in late:
            client.thread.join()  # not cut off in the middle of a batch: onnxruntime would abort the process
        say(f"{len(late)} clients did not take their answers in time")


def _ignore(_text: str) -> None:
    """Take bytes that are not UTF-8 as they are: nobody would read a warning, and the other clients go on."""


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """Provide a listening socket at ``path``, which is deleted in the end unless another one is there by then.

    A dead one that lies there is replaced. Raises OutputError where something else is there, or none can be made.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            with _alone_in(path.parent):
                _remove_stale(path)
                listener.bind(str(path))
                listener.listen()
                own = path.stat()
        except OSError as error:
            raise OutputError(f"{path}: no socket can be made there: {error.strerror or error}") from error
        try:
            yield listener
        finally:
            with suppress(FileNotFoundError):
                if os.path.samestat(own, path.stat()):
                    path.unlink()


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Let one service at a time look for a stale socket in ``directory`` and replace it.

    The lock is on the directory itself, so that no file of it is left. Raises OutputError where another program holds
    it for LOCK_SECONDS.
    """
    descriptor = os.open(directory, os.O_RDONLY)
    deadline = time.monotonic() + LOCK_SECONDS
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise OutputError(
                        f"{directory}: another program has locked it; name a socket in a directory of its own"
                    ) from None
            time.sleep(LOCK_LOOK_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _remove_stale(path: Path) -> None:
    if not path.exists():
        return
    if not path.is_socket():
        raise OutputError(f"{path}: is there and no socket; name another path, or delete it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:  # so many wait there that no more can
            pass
        except OSError as error:
            raise OutputError(f"{path}: is there and cannot be reached: {error.strerror}; delete it") from error
    raise OutputError(f"{path}: another service answers there; stop it, or name another path")


@contextmanager
def _on_signals(stop: Callable[[], None], waker: socket.socket) -> Iterator[None]:
    """Call ``stop`` on SIGTERM, Ctrl-C and, unless nohup has it ignored, SIGHUP while the block runs.

    Python runs the handler in the main thread alone, once that runs again. Whichever thread the system interrupts, and
    even just before the main thread waits, ``waker``, which does not block, gets a byte at once.
    """

    def handler(_number: int, _frame: FrameType | None) -> None:
        stop()

    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in numbers}
    fd_before = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    try:
        with hangup.released():
            yield
    finally:
        signal.set_wakeup_fd(fd_before)
        for number, old in before.items():
            signal.signal(number, old)
