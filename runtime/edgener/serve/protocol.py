"""HTTP connections with limits and clocks: a slow or greedy client is told so and closed.

httptools parses; the classes here count what arrives, look at the clock, write answers, and close gently, so that a
client that still sends reads its answer before the connection is gone. Servers for any application, such as
uvicorn, have neither the limits nor the clocks, and take as much processor time again.
"""

from __future__ import annotations

import asyncio
import select
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import httptools

from edgener.serve.addresses import plain_address
from edgener.serve.limits import Limits
from edgener.serve.messages import BrokenOffError, DisconnectedError, Request, Response, Stream, problem_response
from edgener.serve.problem import ProblemError

STREAMING = "/v1/lines"
"""The path of requests whose body has no end that can be waited for."""
SPARE_CONNECTIONS = 64
"""Connections above the limit that are still told why they are not served; further ones are closed."""
MOST_PIPELINED = 16
"""Requests of a connection that may wait for the answer to an earlier one."""
MOST_UNREAD = 1 << 16
"""Bytes of a body that may wait for whoever reads it."""
MOST_UNSENT = 1 << 26
"""Bytes of answers of all connections together that may wait for clients who take them slowly."""
LINGER_SECONDS = 2.0
"""Time in which a client that was answered early may notice that it need not send the rest."""
UNKNOWN = "-"
"""Method of a request that was refused before its method was known."""
LINE_BYTES = 14
"""Bytes of a request's first line beside its method and target, and of the empty line after the headers."""
OVERHEAD = 8
"""Bytes around a byte of the body: a chunk of one byte takes five."""
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
VERSIONS, CHUNKED = ("1.0", "1.1"), "chunked"
"""Versions of HTTP that are spoken, and the one transfer coding that is."""


class HeadTooLargeError(Exception):
    """A request's line and headers are larger than allowed."""


class NotSpokenError(Exception):
    """A request is in a version of HTTP, or a transfer coding, that the service does not know."""


@dataclass
class Hub:
    """The state that all connections share."""

    answer: Callable[[Request, Connection], Coroutine[Any, Any, None]]
    """Answers a request by the methods of its connection."""
    limits: Limits
    on_refused: Callable[[Request, int, float], None]
    """Called with what was known of a request that was refused before it was one, its status and its seconds."""
    connections: set[Connection] = field(default_factory=set)
    """Open connections."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """Requests that are being answered."""
    date: bytes = b""
    """The line of the present time."""

    def relieve(self) -> None:
        """End connections, those with the most bytes first, while too many bytes of answers wait for their clients."""
        unsent = sum([connection.unsent_bytes for connection in self.connections])
        if unsent > MOST_UNSENT:
            for connection in sorted(self.connections, key=lambda one: one.unsent_bytes, reverse=True):
                if unsent <= MOST_UNSENT:
                    return
                unsent -= connection.unsent_bytes
                connection.abort()


class Connection(asyncio.Protocol):
    """A client's connection."""

    def __init__(self, hub: Hub, loop: asyncio.AbstractEventLoop) -> None:
        """Take what the connection shares with others, and the loop that it lives in."""
        self.hub, self.limits, self.loop = hub, hub.limits, loop
        self.is_surplus = False
        """More connections than the limit were open when this one came."""
        self.refused_with: int | None = None
        """The status with which a request was refused that was already on its way."""
        self.began: float | None = loop.time()
        """Time at which the request began to arrive, or the connection was made; None between two requests."""
        self._parser = self._new_parser()
        self._requests: deque[Request] = deque()
        self._refusal: ProblemError | None = None
        self._arriving: Request | None = None
        self._heard = self._rests_since = self.began
        self._received = self._in_head = self._is_streaming = self._is_closing = self._is_asked_for_leave = False
        self._head_bytes = self._unfinished = self._overhead = 0
        self._forget_head()
        self._linger_until: float | None = None
        self._discarded = 0
        self._is_reading = True
        self._is_taking: asyncio.Future[None] | None = None
        self._written, self._sent, self._sent_at = 0, 0, self.began

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to listen to a client, or leave it where there are far too many."""
        others = self.hub.connections
        if len(others) >= self.limits.most_connections + SPARE_CONNECTIONS:
            transport.abort()
        self.is_surplus = len(others) >= self.limits.most_connections
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._client = plain_address(str(peer[0])) if isinstance(peer, tuple) else ""
        others.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Let nobody work for a client that has gone."""
        self.hub.connections.discard(self)
        self._leave_requests()
        self.resume_writing()

    def eof_received(self) -> None:
        """Let the connection close, since the client has ended it.

        Whether it closed its sending side alone and still reads would only show when an answer is written: until then
        the service would compute for clients that have gone.
        """

    def data_received(self, data: bytes) -> None:
        """Take bytes, and begin to answer the requests whose head is whole."""
        now = self.loop.time()
        if self._linger_until is not None:
            self._discarded += len(data)
            if self._discarded > self.limits.most_bytes:
                self.abort()
            return
        if self.began is None and not data.strip(b"\r\n"):
            return  # line ends before a request are none of it: RFC 9112, 2.2
        self._heard, self._received = now, True
        self.began = self.began or now
        self._overhead += len(data)
        self._unfinished += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError:
            is_too_large = self._head_bytes > self.limits.head_bytes
            self.refuse(self._too_large_head() if is_too_large else ProblemError(400, "Invalid HTTP request received"))
            return
        if self.is_closing:
            return
        is_too_large = self._in_head and self._head_bytes + self._unfinished > self.limits.head_bytes
        if is_too_large or self._overhead > 2 * self.limits.head_bytes + (1 << 18):
            self.refuse(self._too_large_head())
        elif self._is_one_too_many():
            self.refuse(ProblemError(503, "too many bytes of requests wait to be whole", {"Retry-After": "1"}))

    def pause_writing(self) -> None:
        """Let answers wait until the client takes what was sent."""
        self._is_taking = self.loop.create_future()

    def resume_writing(self) -> None:
        """Let answers go on."""
        if self._is_taking and not self._is_taking.done():
            self._is_taking.set_result(None)
        self._is_taking = None

    def on_message_begin(self) -> None:
        """Begin a head; httptools calls this and the following."""
        self.began = self.loop.time()
        self._in_head, self._head_bytes, self._unfinished, self._overhead = True, 0, 0, 0
        self._forget_head()

    def on_url(self, url: bytes) -> None:
        """Take a part of the request's target."""
        if not self._url:
            self._count_head(len(self._parser.get_method()) + LINE_BYTES)
        self._count_head(len(url))
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those after a body are only counted."""
        self._count_head(len(name) + len(value) + 4)
        if self._in_head:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """Begin to answer, unless an earlier request of the connection is being answered."""
        if self._parser.should_upgrade():
            return  # the head comes again: see _parse
        self._in_head = False
        path, query = _path_and_query(self._url)
        self._is_streaming = path == STREAMING
        if len(self._requests) > MOST_PIPELINED:
            self._requests[-1].keep_alive = False
            return
        version = self._parser.get_http_version()
        if version not in VERSIONS or self._headers.get("transfer-encoding", CHUNKED).lower() != CHUNKED:
            raise NotSpokenError
        keep_alive = version != "1.0" and self._parser.should_keep_alive()
        self._arriving = request = self._request(path, query, keep_alive=keep_alive)
        self._is_asked_for_leave = version == "1.1" and self._headers.get("expect", "").lower() == "100-continue"
        self._requests.append(request)
        if len(self._requests) == 1:
            self._start(request)
        else:
            self._pause_reading()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body; that of a request which was answered already is dropped."""
        self._overhead -= (1 + OVERHEAD) * len(body)
        request = self._arriving
        if request and request in self._requests and request.add(body) > MOST_UNREAD:
            self._pause_reading()

    def on_message_complete(self) -> None:
        """Note the end of a request."""
        if self._parser.should_upgrade():
            return
        self.began = None
        if self._arriving:
            self._arriving.end()
            self._arriving = None
            if len(self._requests) == 1:
                self._go_on()  # only what reads notices that the client leaves

    async def answer(self, request: Request, response: Response | Stream, headers: str) -> int:
        """Send an answer, with lines of further ``headers``; raise DisconnectedError where the client has gone.

        Returns the status of the answer, or that of the problem for which it was broken off.
        """
        if self._is_asked_for_leave and not request.is_whole:
            request.keep_alive = False  # the client that was given no leave may send the body, or another request
        head = f"content-type: {response.media_type}\r\n{headers}" if response.media_type else headers
        if isinstance(response, Stream):
            return await self._answer_in_pieces(request, response, head)
        body = b"" if request.method == "HEAD" else response.body
        await self._send(request, self._head(request, response.status, head + _whole(response)) + body)
        self._complete(request)
        return response.status

    def refuse(self, problem: ProblemError) -> None:
        """Answer with an error although there is no whole request, and close the connection.

        Whole requests that came before are answered first.
        """
        if self._requests and self._requests[0].is_whole:
            self._refuse_later(problem)
            return
        if self._requests and self._requests[0].has_begun:
            self.abort()  # in the middle of another answer
            return
        now = self.loop.time()
        self.began = self.began or now  # the rest of what the client sends is nothing that is parsed
        if self._requests:
            self.refused_with, request = problem.status, self._requests[0]
            request.keep_alive = False
        else:
            request = self._request("", "", keep_alive=False)
            self.hub.on_refused(request, problem.status, now - self.began)
        self._leave_requests()
        response = problem_response(problem)
        head = f"x-request-id: {request.id}\r\ncontent-type: {response.media_type}\r\n{_whole(response)}"
        self._write(self._head(request, response.status, head) + response.body)
        self.close()

    def check(self, now: float) -> None:
        """Close the connection if the client was too slow; called a few times while the shortest clock runs."""
        if self._linger_until is not None:
            if now > self._linger_until:
                self.abort()
        elif self._is_stuck(now):
            self.abort()
        elif not self._is_reading:
            self._heard = now
        elif self.began is not None:
            if self._is_late(now, self.began):
                self._time_out()
        elif not self._requests and now - self._rests_since > self.limits.keep_alive_seconds:
            self.close()

    def finish(self, *, is_last_call: bool) -> None:
        """Close the connection as soon as no request is on its way; called while the service ends.

        A connection that has not brought any request is given time, until ``is_last_call``.
        """
        if len(self._requests) == 1:
            self._requests[0].keep_alive = False
        if (
            not self._requests
            and (self.began is None or (is_last_call and not self._received))
            and not self._is_readable()
        ):
            self.close()

    @property
    def is_closing(self) -> bool:
        """Return True if no further answer is sent."""
        return self._is_closing or self._transport.is_closing()

    @property
    def unread_bytes(self) -> int:
        """Return the number of bytes of bodies that have arrived and that nobody has read yet."""
        return sum([request.unread_bytes for request in self._requests])

    @property
    def unsent_bytes(self) -> int:
        """Return the number of bytes of answers that wait for the client."""
        return self._transport.get_write_buffer_size()

    def abort(self) -> None:
        """Close the connection so that the client sees that its answer is not whole."""
        self._transport.abort()

    def close(self) -> None:
        """Close the connection when all is sent, and when a client that still sends may have noticed."""
        self._is_closing = True
        if self._transport.is_closing() or self.began is None or not self._received:
            self._transport.close()
        elif self._linger_until is None:
            self._linger_until = self.loop.time() + LINGER_SECONDS
            self._go_on()
            try:
                self._transport.write_eof()
            except OSError:  # the client has gone
                self.abort()

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)  # so that the last request is answered
        return parser

    def _parse(self, data: bytes) -> None:
        """Feed the parser; where another protocol is offered, which is not taken, begin again without the offer.

        httptools ends a request at an offer, and would take its body for something else (RFC 9110, 7.8).
        """
        while data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                method, version = self._parser.get_method(), self._parser.get_http_version()
                if method == b"CONNECT":
                    raise httptools.HttpParserError("a proxy is asked for") from None
                lines = "".join(f"{name}: {value}\r\n" for name, value in self._headers.items() if name != "upgrade")
                head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self._url, version.encode(), lines.encode("latin-1"))
                self._parser = self._new_parser()
                self._parser.feed_data(head)
                data = data[offer.args[0] :]
            else:
                return

    def _request(self, path: str, query: str, *, keep_alive: bool) -> Request:
        """Return the request whose head has arrived, or as much of it as has."""
        return Request(
            self._parser.get_method().decode("ascii") if self._url else UNKNOWN,
            path,
            query,
            self._headers,
            self._client,
            is_http_1_0=self._parser.get_http_version() == "1.0",
            keep_alive=keep_alive,
            go_on=self._read_on,
        )

    def _start(self, request: Request) -> None:
        task = self.loop.create_task(self.hub.answer(request, self))
        self.hub.tasks.add(task)
        task.add_done_callback(self.hub.tasks.discard)

    def _head(self, request: Request, status: int, headers: str) -> bytes:
        if not request.keep_alive:
            headers += "connection: close\r\n"
        return b"%b%b%b\r\n" % (STATUS_LINES[status], self.hub.date, headers.encode("latin-1"))

    async def _answer_in_pieces(self, request: Request, response: Stream, headers: str) -> int:
        """Send a stream, in chunks unless the client is of a time before them and reads until the end."""
        if not request.is_http_1_0:
            headers += "transfer-encoding: chunked\r\n"

        def chunk(piece: bytes) -> bytes:
            return piece if request.is_http_1_0 or not piece else b"%x\r\n%b\r\n" % (len(piece), piece)

        async with aclosing(response.rest) as rest:
            await self._send(request, self._head(request, response.status, headers) + chunk(response.first))
            try:
                async for piece in rest:
                    await self._send(request, chunk(piece))
            except BrokenOffError as broken_off:
                if request.is_http_1_0:  # for it, the end of the connection is that of the answer
                    self.abort()
                else:
                    self.close()
                return broken_off.status
        await self._send(request, b"" if request.is_http_1_0 else b"0\r\n\r\n")
        self._complete(request)
        return response.status

    async def _send(self, request: Request, content: bytes) -> None:
        while self._is_taking and not request.is_gone:
            await self._is_taking
        if request.is_gone:
            raise DisconnectedError
        request.has_begun = True
        self._write(content)

    def _write(self, content: bytes) -> None:
        self._written += len(content)
        self._transport.write(content)

    def _complete(self, request: Request) -> None:
        """Go on with the next request after an answer."""
        self._requests.popleft()
        if not request.keep_alive:
            self.close()
        if self.is_closing:
            return
        if self._refusal and not self._requests:
            self.refuse(self._refusal)
            return
        if not self._refusal:
            self._go_on()
        if self._requests:
            self._start(self._requests[0])
        else:
            self._rests_since = self.loop.time()

    def _refuse_later(self, problem: ProblemError) -> None:
        """Refuse what arrives now after the answers to the requests before it; nothing more is read until then."""
        if self._arriving:
            self._requests.remove(self._arriving)
            self._arriving.leave()
            self._arriving = None
        self._refusal = problem
        self._pause_reading()

    def _leave_requests(self) -> None:
        requests = list(self._requests)
        self._requests.clear()
        for request in requests:
            request.leave()

    def _read_on(self) -> None:
        """Read more of a body, for which a client may wait to be given leave."""
        if self._is_asked_for_leave and not self.is_closing:
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._is_asked_for_leave = False
        self._go_on()

    def _go_on(self) -> None:
        if not self._is_reading:
            self._is_reading = True
            self._transport.resume_reading()

    def _pause_reading(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._transport.pause_reading()

    def _is_late(self, now: float, began: float) -> bool:
        if self._is_streaming and not self._in_head:
            return now - self._heard > self.limits.keep_alive_seconds
        return now - began > self.limits.read_seconds

    def _is_stuck(self, now: float) -> bool:
        """Return True if bytes wait for the client, and it has taken none for too long."""
        waiting = self._transport.get_write_buffer_size()
        sent = self._written - waiting
        if not waiting or sent != self._sent:
            self._sent, self._sent_at = sent, now
        return now - self._sent_at > self.limits.write_seconds

    def _time_out(self) -> None:
        if self._in_head and self._requests:  # the client has sent part of another request; its turn comes
            self.began = self.loop.time()
        elif not self._received or (self._arriving and self._arriving not in self._requests):
            self._transport.close()  # nothing came, or only the body of a request is missing that is answered already
        else:
            self.refuse(ProblemError(408, f"the request did not arrive within {self.limits.read_seconds:g} seconds"))

    def _is_one_too_many(self) -> bool:
        """Return True if this connection adds to more unread bytes of all than may be held; small bodies never do."""
        if not self._arriving or self._arriving.unread_bytes <= MOST_UNREAD:
            return False
        unread = sum([connection.unread_bytes for connection in self.hub.connections])
        return unread > self.limits.most_unread_bytes

    def _forget_head(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}

    def _count_head(self, count: int) -> None:
        """Count a part of the head that the parser has taken; what comes after it is unfinished as yet."""
        self._head_bytes += count
        self._unfinished = 0
        if self._head_bytes > self.limits.head_bytes:
            raise HeadTooLargeError

    def _too_large_head(self) -> ProblemError:
        return ProblemError(431, f"the request's line and headers take more than {self.limits.head_bytes} bytes")

    def _is_readable(self) -> bool:
        connection = self._transport.get_extra_info("socket")
        if connection is None or connection.fileno() < 0:
            return False
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        return bool(poll.poll(0))


def _path_and_query(target: bytes) -> tuple[str, str]:
    """Return the path of a request's target, however it is spelled, and its query; raise HttpParserError for no URL."""
    url = httptools.parse_url(target)
    return unquote((url.path or b"/").decode("ascii")), (url.query or b"").decode("latin-1")


def _whole(response: Response) -> str:
    """Return the lines of an answer's own headers and of its length."""
    lines = "".join([f"{name.lower()}: {value}\r\n" for name, value in response.headers.items()])
    return lines if response.status == HTTPStatus.NO_CONTENT else f"{lines}content-length: {len(response.body)}\r\n"
