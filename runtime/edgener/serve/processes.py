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
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

from edgener import hangup
from edgener.serve.log import Log, kind_and_place
from edgener.serve.models import Model, ModelSource
from edgener.systemd import Watchdog, notify

SHARED_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The variable of the environment that names the folder in which the processes of a service add up their numbers.

prometheus_client reads it when it is imported."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LOOK_SECONDS = 1.0
"""Time between two looks at the processes and at the installed model."""
SILENT_SECONDS = 20.0
"""Time after which a process that shows no sign of life is killed and replaced."""
SIGN_OF_LIFE = b"."
PAUSE_SECONDS = 1.0
"""Time before a process that died at once is replaced."""

Serve = Callable[[Model, Callable[[], None], int], None]
"""Serves with a model until SIGTERM.

It calls the function a few times a second once it is ready, and ends when the file descriptor has an end of file."""


@dataclass
class _Child:
    """A process that serves."""

    pid: int
    pipe: int
    generation: int
    started: float = field(default_factory=time.monotonic)
    heard: float | None = None

    @property
    def is_ready(self) -> bool:
        return self.heard is not None


class Processes:
    """The processes of a service."""

    def __init__(
        self,
        count: int,
        source: ModelSource,
        serve: Serve,
        log: Log,
        before_reload: Callable[[], None],
        on_death: Callable[[int], None],
        patience: float,
    ) -> None:
        """Take the number of processes and what each does; ``on_death`` is told of the end of each.

        ``before_reload`` reads here, once for all processes, what new ones need besides the model. Processes
        that are told to end have ``patience`` seconds.
        """
        self._count, self._source, self._serve, self._log = count, source, serve, log
        self._before_reload, self._on_death, self._patience = before_reload, on_death, patience
        self._children: dict[int, _Child] = {}
        self._generation = 0
        self._is_stopping = self._must_reload = False
        self._wakeups, self._waker = socket.socketpair()
        self._lifeline, self._own_lifeline = os.pipe()
        self._looked_at, self._watchdog = 0.0, Watchdog()

    def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until SIGTERM or Ctrl-C, and return when all processes have ended."""
        self._model = self._source.load()
        self._refused = self._model.path
        with self._wakeups, self._waker:
            self._waker.setblocking(False)
            before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
            signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
            try:
                with hangup.released():
                    self._start_generation()
                    if not self._is_stopping:
                        on_ready()
                    while not self._is_stopping:
                        self._look()
            finally:
                notify("STOPPING=1")
                self._end()
                signal.set_wakeup_fd(-1)
                for number, handler in before.items():
                    signal.signal(number, handler)
                os.close(self._lifeline)
                os.close(self._own_lifeline)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._must_reload = True
        else:
            self._is_stopping = True

    def _look(self) -> None:
        """Wait for a signal, a sign of life or a second, and do what is to be done."""
        pipes = [child.pipe for child in self._children.values()]
        ready, _, _ = select.select([*pipes, self._wakeups.fileno()], [], [], LOOK_SECONDS)
        if self._wakeups.fileno() in ready:
            self._wakeups.recv(4096)
        now = time.monotonic()
        for child in list(self._children.values()):
            if child.pipe in ready:
                self._hear(child, now)
            elif now - (child.heard or child.started) > SILENT_SECONDS:
                self._log.event("hung", f"process {child.pid} hangs and is replaced", pid=child.pid)
                os.kill(child.pid, signal.SIGKILL)
                child.started, child.heard = now, None
        if self._is_stopping:
            return
        self._replace()
        self._watchdog.feed(now)
        if self._must_reload or (
            now - self._looked_at > LOOK_SECONDS and self._source.has_another_than(self._model.path, self._refused)
        ):
            self._must_reload, self._looked_at = False, now
            self._change_model()

    def _hear(self, child: _Child, now: float) -> None:
        if os.read(child.pipe, 4096):
            child.heard = now
            return
        os.close(child.pipe)
        _, status = os.waitpid(child.pid, 0)
        del self._children[child.pid]
        self._on_death(child.pid)
        if not self._is_stopping and child.generation == self._generation:
            code = os.waitstatus_to_exitcode(status)
            self._log.event("died", f"process {child.pid} ended with {code} and is replaced", pid=child.pid)
            if now - child.started < PAUSE_SECONDS:
                time.sleep(PAUSE_SECONDS)

    def _replace(self) -> None:
        present = sum(child.generation == self._generation for child in self._children.values())
        for _ in range(self._count - present):
            self._fork()

    def _start_generation(self) -> None:
        """Start processes with the present model, and wait until all of them are ready."""
        self._generation += 1
        self._replace()
        while not self._is_stopping and not all(
            child.is_ready for child in self._children.values() if child.generation == self._generation
        ):
            self._look()

    def _change_model(self) -> None:
        self._before_reload()
        try:
            self._refused = self._source.path()
            model = self._source.load()
        except Exception as error:
            self._log.model_refused(error, self._model)
            return
        self._model = model
        old = list(self._children.values())
        self._start_generation()
        self._log.model_changed(model)
        for child in old:
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGTERM)

    def _fork(self) -> None:
        """Start a process; signals wait meanwhile, since it has the handlers of this one at first."""
        reading, writing = os.pipe()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            pid = os.fork()
            if not pid:
                self._live_as_child(reading, writing)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(writing)
        self._children[pid] = _Child(pid, reading, self._generation)

    def _live_as_child(self, reading: int, writing: int) -> NoReturn:
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
            self._serve(self._model, lambda: _beat(writing), self._lifeline)
            code = 0
        except BaseException as error:
            self._log.event("error", f"internal error {kind_and_place(error)}")
        finally:
            os._exit(code)

    def _end(self) -> None:
        """Tell the processes to end, and kill those that do not in time."""
        self._is_stopping = True
        deadline = time.monotonic() + self._patience
        for child in self._children.values():
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGTERM)
        while self._children:
            if time.monotonic() > deadline:
                for child in self._children.values():
                    os.kill(child.pid, signal.SIGKILL)
            self._look()


def _beat(pipe: int) -> None:
    with suppress(BlockingIOError, BrokenPipeError):
        os.write(pipe, SIGN_OF_LIFE)
