"""HTTP connections with limits and clocks, which uvicorn's own have not: a slow or greedy client is told so and closed.

uvicorn parses requests with httptools and hands them to the application; the classes here count what arrives, look at
the clock, and close gently, so that a client that still sends reads its answer before the connection is gone.
"""

from __future__ import annotations

import asyncio
import json
import select
from collections.abc import Callable
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from edgener.serve.limits import Limits
from edgener.serve.problem import ProblemError

STREAMING = b"/v1/lines"
"""The path of requests whose body has no end that can be waited for."""
SPARE_CONNECTIONS = 64
"""Connections above the limit that are still told why they are not served; further ones are closed."""
MOST_PIPELINED = 16
"""Requests of a connection that may wait for the answer to an earlier one."""
LINGER_SECONDS = 2.0
"""Time in which a client that was answered early may notice that it need not send the rest."""
OVERHEAD = 8
"""Bytes around a byte of the body: a chunk of one byte takes five."""


class HeadTooLargeError(Exception):
    """A request's line and headers are larger than allowed."""


class Connection(HttpToolsProtocol):
    """A client's connection; the application finds it in the scope, under CONNECTION."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        loop: asyncio.AbstractEventLoop,
        limits: Limits,
        on_refused: Callable[[int], None],
    ) -> None:
        """Take what uvicorn's protocol takes, and the limits; ``on_refused`` is told of answers without a request."""
        super().__init__(config, server_state, {}, loop)
        self.limits, self._on_refused = limits, on_refused
        self.is_surplus = False
        """More connections than the limit were open when this one came."""
        self.timed_out = False
        """The client was too slow with its request, and was told so."""
        self.on_lost: Callable[[], None] | None = None
        """Called when the client leaves."""
        self.began: float | None = loop.time()
        """Time at which the request began to arrive, or the connection was made; None between two requests."""
        self._heard = self.began
        self._received = False
        self._in_head = False
        self._head_bytes = self._overhead = 0
        self._is_streaming = False
        self._linger_until: float | None = None
        self._discarded = 0
        self._sent, self._sent_at = 0, self.began

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if len(self.connections) >= self.limits.most_connections + SPARE_CONNECTIONS:
            transport.abort()
        self.is_surplus = len(self.connections) >= self.limits.most_connections
        self._counted = _Transport(transport, self._close)
        super().connection_made(self._counted)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.on_lost:
            self.on_lost()
            self.on_lost = None

    def data_received(self, data: bytes) -> None:
        now = self.loop.time()
        if self._linger_until is not None:
            self._discarded += len(data)
            if self._discarded > self.limits.most_bytes:
                self.transport.abort()
            return
        self._heard, self._received = now, True
        self.began = self.began or now
        was_in_head = self._in_head
        self._overhead += len(data)
        super().data_received(data)
        if was_in_head and self._in_head:
            self._head_bytes += len(data)
        if not self.transport.is_closing() and (
            self._head_bytes > self.limits.head_bytes or self._overhead > 2 * self.limits.head_bytes + (1 << 18)
        ):
            self.refuse(_too_large_head(self.limits))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[CONNECTION] = self  # type: ignore[literal-required]
        self.began = self.loop.time()
        self._in_head, self._head_bytes, self._overhead = True, 0, 0

    def on_url(self, url: bytes) -> None:
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_head(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._is_streaming = self.url.startswith(STREAMING)
        if len(self.pipeline) >= MOST_PIPELINED:
            self.transport.abort()
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._overhead -= (1 + OVERHEAD) * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.began = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is no HTTP, or whose head is too large."""
        if self._head_bytes > self.limits.head_bytes:
            self.refuse(_too_large_head(self.limits))
        else:
            self.refuse(ProblemError(400, msg.rstrip(".")))

    def refuse(self, problem: ProblemError) -> None:
        """Answer with an error although the application has no whole request, and close the connection."""
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.abort()  # in the middle of another answer
            return
        self._on_refused(problem.status)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.began = self.began or self.loop.time()  # the rest of what the client sends is nothing that is parsed
        content = json.dumps(problem.content).encode()
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(content)
        self.transport.write(STATUS_LINE[problem.status] + head + content)
        self.transport.close()

    def check(self, now: float) -> None:
        """Close the connection if the client was too slow; called a few times while the shortest clock runs."""
        if self.flow is None or self.transport is None:
            return
        if self._linger_until is not None:
            if now > self._linger_until:
                self.transport.abort()
            return
        if self._is_stuck(now):
            self.transport.abort()
        elif self.flow.read_paused:
            self._heard = now
        elif self.began is not None and self._is_late(now, self.began):
            self._time_out()

    def finish(self, *, is_last_call: bool) -> None:
        """Close the connection as soon as no request is on its way; called while the service ends.

        A connection that has not brought any request is given time, until ``is_last_call``.
        """
        is_idle = self.cycle is None or self.cycle.response_complete
        if not is_idle and not self.pipeline:
            self.cycle.keep_alive = False
        if is_idle and (self.began is None or (is_last_call and not self._received)) and not self._is_readable():
            self.transport.close()

    def abort(self) -> None:
        """Close the connection so that the client sees that its answer is not whole."""
        self.transport.abort()

    @property
    def is_whole(self) -> bool:
        """Return True if all of the request has arrived."""
        return self.began is None

    def _is_late(self, now: float, began: float) -> bool:
        if self._is_streaming and not self._in_head:
            return now - self._heard > self.limits.keep_alive_seconds
        return now - began > self.limits.read_seconds

    def _is_stuck(self, now: float) -> bool:
        """Return True if bytes wait for the client, and it has taken none for too long."""
        waiting = self._counted.get_write_buffer_size()
        sent = self._counted.written - waiting
        if not waiting or sent != self._sent:
            self._sent, self._sent_at = sent, now
        return now - self._sent_at > self.limits.write_seconds

    def _time_out(self) -> None:
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if self._in_head and is_answering:  # the client has sent part of another request; its turn comes
            self.began = self.loop.time()
        elif not self._received:
            self.transport.close()
        else:
            self.timed_out = is_answering
            self.refuse(ProblemError(408, f"the request did not arrive within {self.limits.read_seconds:g} seconds"))

    def _count_head(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > self.limits.head_bytes:
            raise HeadTooLargeError

    def _close(self, transport: asyncio.Transport) -> None:
        if transport.is_closing() or self.began is None or not self._received:
            transport.close()
        elif self._linger_until is None:
            self._linger_until = self.loop.time() + LINGER_SECONDS
            transport.resume_reading()
            try:
                transport.write_eof()
            except OSError:  # the client has gone
                transport.abort()

    def _is_readable(self) -> bool:
        connection = self.transport.get_extra_info("socket")
        if connection is None or connection.fileno() < 0:
            return False
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        return bool(poll.poll(0))


CONNECTION = "edgener.connection"
"""Key of the Connection in the scope of a request."""


class _Transport(asyncio.Transport):
    """A transport that counts what is written, and whose end its owner decides on."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[asyncio.Transport], None]) -> None:
        super().__init__()
        self.written = 0
        self._transport, self._close, self._is_closing = transport, close, False
        self.get_extra_info = transport.get_extra_info  # type: ignore[method-assign]
        self.pause_reading = transport.pause_reading  # type: ignore[method-assign]
        self.resume_reading = transport.resume_reading  # type: ignore[method-assign]
        self.abort = transport.abort  # type: ignore[method-assign]
        self.get_write_buffer_size = transport.get_write_buffer_size  # type: ignore[method-assign]

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.written += len(data)
        self._transport.write(data)

    def close(self) -> None:
        self._is_closing = True
        self._close(self._transport)

    def is_closing(self) -> bool:
        return self._is_closing or self._transport.is_closing()


def _too_large_head(limits: Limits) -> ProblemError:
    return ProblemError(431, f"the request's line and headers take more than {limits.head_bytes} bytes")
