"""A connection counts, times and notes requests by what they are, however their bytes arrive."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgener.serve import protocol
from edgener.serve.limits import Limits
from edgener.serve.messages import DisconnectedError, Request, Response
from edgener.serve.protocol import Connection, Hub

LIMITS = Limits(head_bytes=400)
LINE = b"POST /health?a=b HTTP/1.1\r\n"
LATER = LIMITS.read_seconds * 2
"""Seconds after which a request is late, and a stream of lines is not."""


class Talk:
    """A client's end of a connection whose requests are answered with their own bodies."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self.connection: Connection
        self.noted: list[tuple[str, str, int | None]] = []
        """Method, path and status of each request; None where its client left."""

    async def answer(self, request: Request, connection: Connection) -> None:
        status = None
        try:
            await connection.answer(request, Response(await request.body(1 << 20)), "")
            status = 200
        except DisconnectedError:
            status = connection.refused_with
        finally:
            self.noted.append((request.method, request.path, status))

    def refused(self, request: Request, status: int, _seconds: float) -> None:
        self.noted.append((request.method, request.path, status))

    async def send(self, pieces: Sequence[bytes]) -> None:
        """Send pieces, each of which arrives alone."""
        for piece in pieces:
            with suppress(ConnectionError):
                self._client.send(piece)
            for _ in range(3):
                await asyncio.sleep(0)

    def statuses(self) -> list[int]:
        """Return the status of each answer that has arrived."""
        try:
            content = self._client.recv(1 << 20)
        except BlockingIOError:
            return []
        return [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", content)]


@asynccontextmanager
async def talking() -> AsyncIterator[Talk]:
    """Provide a connection in this process."""
    loop = asyncio.get_running_loop()
    client, server = socket.socketpair()
    with client:
        client.setblocking(False)
        talk = Talk(client)
        hub = Hub(talk.answer, LIMITS, talk.refused)
        _, talk.connection = await loop.connect_accepted_socket(lambda: Connection(hub, loop), server)
        try:
            yield talk
        finally:
            talk.connection.abort()
            await asyncio.sleep(0)


def statuses_of(pieces: Sequence[bytes]) -> list[int]:
    async def talk_once() -> list[int]:
        async with talking() as talk:
            await talk.send(pieces)
            return talk.statuses()

    return asyncio.run(talk_once())


def head_of(size: int, headers: int) -> bytes:
    """Return a request without a body whose head has ``size`` bytes, in so many headers."""
    lines = [b"X-%d: " % number for number in range(headers)]
    room = size - len(LINE) - 2 - sum(len(line) + 2 for line in lines)
    values = [room // headers] * (headers - 1) + [room - room // headers * (headers - 1)]
    return LINE + b"".join(line + b"v" * value + b"\r\n" for line, value in zip(lines, values, strict=True)) + b"\r\n"


def test_the_clients_with_the_most_to_take_are_ended_where_too_many_bytes_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MOST_UNSENT", 1 << 21)

    async def relieve() -> list[bool]:
        async with talking() as small, talking() as large, talking() as larger:
            connections = [talk.connection for talk in (small, large, larger)]
            hub = small.connection.hub
            hub.connections.update(connections)
            ends = []
            for connection, size in zip(connections, (1 << 18, 1 << 20, 1 << 21), strict=True):
                connection._write(b"x" * size)
                hub.relieve()
                ends.append([one.is_closing for one in connections])
            return ends[-2] + ends[-1]

    assert asyncio.run(relieve()) == [False, False, False, False, False, True]


def test_line_ends_between_requests_are_no_part_of_one() -> None:
    async def talk_twice() -> list[int]:
        async with talking() as talk:
            for _ in range(2):
                await talk.send([b"\r\n", LINE + b"\r\n", b"\n\r\n"])
            assert talk.connection.began is None
            return talk.statuses()

    assert asyncio.run(talk_twice()) == [200, 200]


@given(st.integers(-3, 3), st.integers(1, 5), st.lists(st.integers(1, 420), max_size=5), st.booleans())
@settings(max_examples=60)
def test_the_size_of_a_head_counts_the_same_however_it_arrives(
    more: int, headers: int, cuts: list[int], is_second: bool
) -> None:
    content = head_of(LIMITS.head_bytes + more, headers)
    before = [b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"] * is_second
    edges = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    pieces = [content[start:end] for start, end in pairwise(edges)]
    expected = [200] * is_second + [431 if more > 0 else 200]
    assert statuses_of([*before, *pieces]) == expected


def test_a_head_that_arrives_byte_by_byte_is_counted_once() -> None:
    for more, expected in ((0, 200), (1, 431)):
        content = head_of(LIMITS.head_bytes + more, 3)
        assert statuses_of([bytes([byte]) for byte in content]) == [expected]


def test_a_header_without_end_is_refused_as_soon_as_it_is_too_large() -> None:
    assert statuses_of([LINE, b"X-A: ", *[b"v" * 100] * 3]) == []
    assert statuses_of([LINE, b"X-A: ", *[b"v" * 100] * 4]) == [431]


@pytest.mark.parametrize(
    ("target", "is_stream"),
    [
        (b"/v1/lines", True),
        (b"/v1/lines?format=conll", True),
        (b"/v1/%6cines", True),
        (b"http://localhost/v1/lines", True),
        (b"HTTP://localhost:8765/v1/%6Cines?a", True),
        (b"/v1/linesx", False),
        (b"/v1/ner", False),
    ],
)
def test_a_stream_of_lines_has_its_time_however_its_path_is_spelled(target: bytes, is_stream: bool) -> None:
    async def rest() -> list[int]:
        async with talking() as talk:
            await talk.send([b"POST %b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na\n\r\n" % target])
            talk.connection.check(asyncio.get_running_loop().time() + LATER)
            await talk.send([b"0\r\n\r\n"])
            return talk.statuses()

    assert asyncio.run(rest()) == [200 if is_stream else 408]


CONFLICT = b"POST /v1/ner HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("content", "noted"),
    [
        (b"\x16\x03\x01 no HTTP\r\n\r\n", [("-", "", 400)]),
        (b"GET / HTTP/1.1\r\nX-A: b\r\n\r\nno HTTP", [("GET", "/", 200), ("-", "", 400)]),
        (b"GET /health HTTP/1.1\r\nno header\r\n\r\n", [("GET", "", 400)]),
        (head_of(LIMITS.head_bytes + 1, 2), [("POST", "", 431)]),
        (b"GET /health HTTP/1.1\r\nX-Slow: ", [("GET", "", 408)]),
        (b"POST /v1/ner HTTP/1.1\r\nContent-Length: 3\r\n\r\na", [("POST", "/v1/ner", 408)]),
        (b"POST /v1/ner HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", [("POST", "/v1/ner", 400)]),
        (b"GET /health HTTP/2.0\r\n\r\n", [("GET", "", 400)]),
        (b"POST /v1/ner HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", [("POST", "", 400)]),
    ],
    ids=["garbage", "second", "header", "large", "slow-head", "slow-body", "chunk", "version", "coding"],
)
def test_what_is_refused_is_noted_once_with_the_status_that_its_client_gets(
    content: bytes, noted: list[tuple[str, str, int]]
) -> None:
    async def refused() -> tuple[list[int], list[tuple[str, str, int | None]]]:
        async with talking() as talk:
            await talk.send(re.split(rb"(?<=b\r\n\r\n)", content))
            talk.connection.check(asyncio.get_running_loop().time() + LATER)
            await talk.send([b""])
            return talk.statuses(), talk.noted

    assert asyncio.run(refused()) == ([status for _, _, status in noted], noted)


WHOLE = b"POST /v1/ner HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"


@pytest.mark.parametrize(
    ("bad", "status"),
    [(b"no HTTP\r\n\r\n", 400), (CONFLICT, 400), (head_of(LIMITS.head_bytes + 1, 2), 431)],
    ids=["garbage", "conflict", "large"],
)
@pytest.mark.parametrize("before", [1, 3])
def test_requests_that_came_in_one_piece_with_a_bad_one_are_answered_before_it(
    before: int, bad: bytes, status: int
) -> None:
    assert statuses_of([WHOLE * before + bad, b"", b"", b""]) == [200] * before + [status]


def test_a_body_that_breaks_after_other_requests_is_refused_after_their_answers() -> None:
    broken = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n"
    assert statuses_of([WHOLE + broken + WHOLE, b"", b""]) == [200, 400]
