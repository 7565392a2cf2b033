"""Several processes that serve one socket, forked after the model is loaded, so that they share its memory.

The first process serves nobody: it starts the others, replaces those that die or hang, and changes all of them for new
ones when the model changes.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from types import FrameType
from typing import NoReturn, Protocol

from edgener import hangup
from edgener.errors import EdgenerError, MachineError
from edgener.serve.log import Log, reason_of
from edgener.serve.models import Model, ModelSource, return_memory
from edgener.systemd import Watchdog, notify

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LOOK_SECONDS = 1.0
"""Time between two looks at the processes and at the installed model."""
GENERATIONS = 3
"""Most generations of processes at once: one serves, one that could not start ends, and one starts."""
SILENT_SECONDS = 20.0
"""Time after which a process that shows no sign of life is killed and replaced."""
SIGN_OF_LIFE = b"."
PAUSE_SECONDS = 1.0
"""Time before a process that died at once is replaced."""


class Duties(Protocol):
    """The duties of the processes that serve, and what the first one does for them."""

    def serve(self, model: Model, on_tick: Callable[[], None], lifeline: int, slot: int) -> None:
        """Serve with a model until SIGTERM, or until the file descriptor ``lifeline`` has an end of file.

        ``slot`` is a number below GENERATIONS times the number of processes that no other process has at the same time.
        ``on_tick`` is to be called a few times a second, as soon as clients are answered. On SIGHUP the tokens are to
        be read again.
        """

    def read_tokens(self) -> bool:
        """Read the tokens again for the processes to come; return True if those that serve have to do so, too."""

    def on_death(self, slot: int) -> None:
        """Clean up after the process that had a slot."""

    def close(self) -> None:
        """Close what this process holds of the listener: no client gets through once all processes have done so."""


@dataclass
class _Child:
    """A process that serves."""

    pid: int
    pipe: int
    slot: int
    generation: int
    started: float = field(default_factory=time.monotonic)
    heard: float | None = None

    @property
    def is_ready(self) -> bool:
        return self.heard is not None


class Processes:
    """The processes of a service."""

    def __init__(self, count: int, source: ModelSource, duties: Duties, log: Log, patience: float) -> None:
        """Take the number of processes; those that are told to end have ``patience`` seconds."""
        self._count, self._source, self._duties, self._log = count, source, duties, log
        self._patience = patience
        self._children: dict[int, _Child] = {}
        self._generation = 0
        self._is_starting = self._is_failing = False
        self._forks_at = 0.0
        self._is_short = self._has_served = False
        self._failure: EdgenerError | None = None
        self._waited_at = time.monotonic()
        self._is_stopping = self._is_forced = self._must_read_again = self._must_reload = False
        self._wakeups, self._waker = socket.socketpair()
        self._lifeline, self._own_lifeline = os.pipe()
        self._looked_at, self._watchdog = 0.0, Watchdog()

    def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until SIGTERM or Ctrl-C, and return when all processes have ended.

        Raises MachineError where the first processes cannot serve.
        """
        self._model = self._source.load()
        return_memory()
        self._refused, self._on_started = self._model.path, on_ready
        with self._wakeups, self._waker:
            self._waker.setblocking(False)
            before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
            signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
            try:
                with hangup.released():
                    self._start_generation()
                    while not self._is_stopping:
                        self._look()
            finally:
                notify("STOPPING=1")
                self._end()
                signal.set_wakeup_fd(-1)
                self._watchdog.close()
                for number, handler in before.items():
                    signal.signal(number, handler)
                os.close(self._lifeline)
                os.close(self._own_lifeline)
        if self._failure:
            raise self._failure

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._must_read_again = True
        else:
            self._is_forced = self._is_stopping
            self._is_stopping = True

    def _look(self) -> None:
        """Wait for a signal, a sign of life or a second, and do what is to be done."""
        pipes = [child.pipe for child in self._children.values()]
        ready, _, _ = select.select([*pipes, self._wakeups.fileno()], [], [], LOOK_SECONDS)
        if self._wakeups.fileno() in ready:
            self._wakeups.recv(4096)
        now = time.monotonic()
        if now - self._waited_at > SILENT_SECONDS / 2:  # all processes were stopped, as by docker pause
            for child in self._children.values():
                child.started, child.heard = now, child.heard and now
        self._waited_at = now
        for child in list(self._children.values()):
            if child.pipe in ready:
                self._hear(child, now)
            elif now - (child.heard or child.started) > SILENT_SECONDS:
                self._log.event("hung", f"process {child.pid} hangs and is replaced", pid=child.pid)
                os.kill(child.pid, signal.SIGKILL)
                child.started, child.heard = now, None
        if self._is_stopping:
            return
        if self._must_read_again:
            self._must_read_again, self._must_reload = False, True
            self._renew_tokens()
        self._replace()
        self._watchdog.feed(now)
        if self._is_starting and self._is_present_ready:
            self._finish_start()
        if self._may_reload and (self._must_reload or self._is_another_installed(now)):
            self._must_reload, self._looked_at = False, now
            self._change_model()

    def _renew_tokens(self) -> None:
        if self._duties.read_tokens():
            _tell(self._children.values(), signal.SIGHUP)

    def _is_another_installed(self, now: float) -> bool:
        return now - self._looked_at > LOOK_SECONDS and self._source.has_another_than(self._model.path, self._refused)

    def _hear(self, child: _Child, now: float) -> None:
        if os.read(child.pipe, 4096):
            child.heard = now
            return
        os.close(child.pipe)
        _, status = os.waitpid(child.pid, 0)
        del self._children[child.pid]
        self._duties.on_death(child.slot)
        if not self._is_stopping and child.generation == self._generation:
            self._is_failing = self._is_starting
            code = os.waitstatus_to_exitcode(status)
            if code > 0 and not self._has_served:
                self._failure = MachineError(f"process {child.pid} ended with {code} before it could serve")
                self._is_stopping = True
                return
            self._log.event("died", f"process {child.pid} ended with {code} and is replaced", pid=child.pid)
            if now - child.started < PAUSE_SECONDS:
                self._forks_at = now + PAUSE_SECONDS

    def _replace(self) -> None:
        """Start the processes that are missing; while others serve, one that cannot be started is tried again."""
        if time.monotonic() < self._forks_at:
            return
        room = GENERATIONS * self._count - len(self._children)
        for _ in range(min(room, self._count - len(self._present))):
            try:
                self._fork()
            except OSError as error:
                if not self._children:
                    raise
                if not self._is_short:
                    self._log.event("error", f"no process can be started, which is tried again: {error.strerror}")
                self._forks_at, self._is_short = time.monotonic() + PAUSE_SECONDS, True
                return
            self._is_short = False

    @property
    def _present(self) -> list[_Child]:
        """Return the processes with the present model."""
        return [child for child in self._children.values() if child.generation == self._generation]

    @property
    def _is_present_ready(self) -> bool:
        return len(self._present) == self._count and all(child.is_ready for child in self._present)

    @property
    def _may_reload(self) -> bool:
        """Return True if no processes of before are left, or those that start fail.

        So there are no more than two generations, however often a reload is asked for.
        """
        return self._is_failing if self._is_starting else len(self._children) == self._count

    def _start_generation(self) -> None:
        """Start processes with the present model; those of before go on serving until ``_finish_start``."""
        if self._is_starting:
            _tell(self._present, signal.SIGTERM)
        self._generation += 1
        self._is_starting, self._is_failing = True, False
        self._replace()

    def _finish_start(self) -> None:
        """Let the processes of before end, now that the present ones serve."""
        self._is_starting = self._is_failing = False
        self._has_served = True
        self._on_started()
        self._on_started = self._on_changed
        _tell((child for child in self._children.values() if child.generation != self._generation), signal.SIGTERM)

    def _on_changed(self) -> None:
        self._log.model_changed(self._model)

    def _change_model(self) -> None:
        try:
            self._refused = self._source.path()
            model = self._source.load()
        except Exception as error:
            self._log.model_refused(error, self._model)
            return
        if not self._is_stopping:
            self._model = model
            self._start_generation()

    def _fork(self) -> None:
        """Start a process; signals wait meanwhile, since it has the handlers of this one at first."""
        taken = {child.slot for child in self._children.values()}
        slot = next(number for number in count() if number not in taken)
        reading, writing = os.pipe()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            pid = os.fork()
            if not pid:
                self._live_as_child(slot, reading, writing)
        except OSError:
            os.close(reading)
            os.close(writing)
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(writing)
        self._children[pid] = _Child(pid, reading, slot, self._generation)

    def _live_as_child(self, slot: int, reading: int, writing: int) -> NoReturn:
        """Serve in a new process, and end with it; SIGHUP waits until the server takes it."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # until it serves
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one ends the others
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
            os.close(self._own_lifeline)
            os.close(reading)
            for child in self._children.values():
                os.close(child.pipe)
            os.set_blocking(writing, False)
            self._duties.serve(self._model, lambda: _beat(writing), self._lifeline, slot)
            code = 0
        except Exception as error:
            self._log.event("error", reason_of(error))
        finally:
            os._exit(code)

    def _end(self) -> None:
        """Tell the processes to end, and kill those that do not in time or until the second signal."""
        self._is_stopping = True
        self._duties.close()
        deadline = time.monotonic() + self._patience
        _tell(self._children.values(), signal.SIGTERM)
        while self._children:
            if self._is_forced or time.monotonic() > deadline:
                _tell(self._children.values(), signal.SIGKILL)
            self._look()


def _tell(children: Iterable[_Child], number: signal.Signals) -> None:
    """Send a signal to processes, whose numbers are theirs until ``_hear`` notes their end."""
    for child in children:
        os.kill(child.pid, number)


def _beat(pipe: int) -> None:
    with suppress(BlockingIOError, BrokenPipeError):
        os.write(pipe, SIGN_OF_LIFE)
