"""The server: it accepts connections, looks at the clock, changes the model, and ends without losing a request."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgener import hangup
from edgener.serve.app import Application
from edgener.serve.front import Front
from edgener.serve.http_date import http_date
from edgener.serve.models import ModelSource, return_memory
from edgener.serve.protocol import Connection, Hub
from edgener.serve.tokens import read_again
from edgener.systemd import Watchdog, notify

TICK_SECONDS = 0.25
"""Time between two looks at the clocks of all connections."""
DRAIN_TICK_SECONDS = 0.02
"""Time between two looks at the connections that are left in the end."""
LOOK_SECONDS = 2.0
"""Time between two looks at the installed model."""
GRACE_SECONDS = 0.5
"""Time in which a connection that was made just before the end may still bring its request."""
BACKLOG = 512
"""Connections that the kernel holds until they are accepted."""
SHORT_OF_SOMETHING = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""Numbers of errors by which the system says that it has no descriptor or memory for a connection."""
TOLD_SECONDS = 10.0
"""Time after which such an error is told again."""


class Server:
    """A server of one process."""

    def __init__(
        self,
        front: Front,
        listener: socket.socket,
        *,
        source: ModelSource | None,
        token_file: Path | None,
        has_page: bool = True,
        on_tick: Callable[[], None] = lambda: None,
    ) -> None:
        """Serve ``listener``; without ``source``, another process looks after the model and tells systemd.

        The tokens of ``token_file`` are read again on SIGHUP, as is the model of ``source``.
        ``on_tick`` is called a few times a second.
        """
        self._front, self._listener, self._source = front, listener, source
        self._token_file, self._on_tick = token_file, on_tick
        application = Application(front, has_page=has_page)
        self._hub = Hub(application, front.limits, application.refused)
        front.connections = self._hub.connections
        front.metrics.on_retired = self._on_retired
        self._stopped = asyncio.Event()
        self._is_forced = False
        self._reloading: asyncio.Task[None] | None = None
        self._must_reload_again, self._must_return_memory = False, source is not None
        self._refused: Path | None = None
        self._looked_at, self._watchdog = 0.0, Watchdog()
        self._tells_again_at = 0.0

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until SIGTERM, Ctrl-C or ``stop``; then answer every request that has arrived, and return."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_exception)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
        self._tick(loop.time())  # a sign of life, after which this process may be told to end
        try:
            with hangup.released():
                await self._serve(loop, on_ready)
        finally:
            self._watchdog.close()

    async def _serve(self, loop: asyncio.AbstractEventLoop, on_ready: Callable[[], None]) -> None:
        self._looked_at = loop.time()
        server = await loop.create_server(self._connect, sock=self._listener, backlog=BACKLOG)
        on_ready()
        while not self._stopped.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), TICK_SECONDS)
            self._tick(loop.time())
        await self._drain(server)
        if self._reloading:
            await self._reloading

    def stop(self) -> None:
        """Let ``run`` come to its end; when told a second time, without waiting for answers.

        One of several processes always waits: a signal to all of them, or a second reload, tells it more than once.
        """
        self._is_forced = self._source is not None and self._stopped.is_set()
        self._stopped.set()

    def stop_with(self, lifeline: int) -> None:
        """Stop when a file descriptor has an end of file, since the process at its other end has gone."""
        loop = asyncio.get_running_loop()

        def on_end() -> None:
            loop.remove_reader(lifeline)
            self.stop()

        loop.add_reader(lifeline, on_end)

    def _connect(self) -> Connection:
        return Connection(self._hub, asyncio.get_running_loop())

    def _on_retired(self) -> None:
        """Let the next tick give memory back: whoever tells of a model's end, in any thread, still holds the model."""
        self._must_return_memory = True

    def _tick(self, now: float) -> None:
        self._hub.date = f"date: {http_date(time.time())}\r\n".encode()
        for connection in list(self._hub.connections):
            connection.check(now)
        self._hub.relieve()
        self._front.update_metrics()
        self._on_tick()
        if self._must_return_memory:
            self._must_return_memory = False
            return_memory()
        if not self._source:
            return
        self._watchdog.feed(now)
        if not self._is_loading and now - self._looked_at > LOOK_SECONDS:
            self._looked_at = now
            if self._source.has_another_than(self._front.model.path, self._refused):
                self._start_reloading(self._source)

    def _on_hangup(self) -> None:
        front = self._front
        front.tokens = read_again(self._token_file, front.log, is_told=self._source is not None) or front.tokens
        if self._source and not self._stopped.is_set():
            self._start_reloading(self._source)

    @property
    def _is_loading(self) -> bool:
        return self._reloading is not None and not self._reloading.done()

    def _start_reloading(self, source: ModelSource) -> None:
        """Load the model, once more where it is being loaded already: its files may have changed since."""
        if self._is_loading:
            self._must_reload_again = True
        else:
            self._reloading = asyncio.create_task(self._reload_model(source))

    async def _reload_model(self, source: ModelSource) -> None:
        await self._change_model(source)
        while self._must_reload_again and not self._stopped.is_set():
            self._must_reload_again = False
            await self._change_model(source)

    async def _change_model(self, source: ModelSource) -> None:
        """Load the model beside the present one, which stays if the new one is bad."""
        front = self._front
        try:
            self._refused = source.path()
            model = await asyncio.to_thread(source.load)
            await front.switch(model)
        except Exception as error:
            front.metrics.switches.inc("refused")
            front.log.model_refused(error, front.model)
            return
        self._refused = None
        front.metrics.switches.inc("switched")
        front.log.model_changed(model)

    async def _drain(self, server: asyncio.Server) -> None:
        """Accept no more connections; answer what arrived on those that there are."""
        loop = asyncio.get_running_loop()
        self._front.is_draining = True
        if self._source:
            notify("STOPPING=1")
        loop.remove_reader(self._listener)
        await asyncio.sleep(DRAIN_TICK_SECONDS)  # asyncio loses a connection that it accepts just before it closes
        await self._accept_all(self._listener)
        server.close()
        began = loop.time()
        while self._hub.connections and not self._is_forced:
            now = loop.time()
            if now - began > self._front.limits.drain_seconds:
                break
            for connection in list(self._hub.connections):
                connection.finish(is_last_call=now - began > GRACE_SECONDS)
                connection.check(now)
            self._on_tick()
            await asyncio.sleep(DRAIN_TICK_SECONDS)
        late = list(self._hub.connections)
        for connection in late:
            connection.abort()
        if late:
            self._front.log.event("late", f"{len(late)} clients did not take their answers in time")
        if self._hub.tasks:
            await asyncio.wait(set(self._hub.tasks), timeout=1)

    async def _accept_all(self, listener: socket.socket) -> None:
        """Take the connections that the kernel has accepted already, whose requests would be lost with it."""
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        for _ in range(BACKLOG):
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setblocking(False)
            await loop.connect_accepted_socket(self._connect, client)

    def _on_exception(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in SHORT_OF_SOMETHING:  # for each connection that cannot be taken
            now = asyncio.get_running_loop().time()
            if now < self._tells_again_at:
                return
            self._tells_again_at = now + TOLD_SECONDS
        if isinstance(error, Exception):
            self._front.log.failure(error)
        else:
            self._front.log.event("error", str(context.get("message")))
