"""A load of requests over keep-alive connections, which costs little itself: a protocol of asyncio, and no parser."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

OK = 200


@dataclass(frozen=True)
class Sample:
    """A request that was answered."""

    status: int
    seconds: float
    """Time from the request to the last byte of the answer."""
    texts: int
    """Number of its texts."""


class Connection(asyncio.Protocol):
    """A connection that has at most one request at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[int] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Give the status to who waits for it, when the whole answer has arrived."""
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or not self._answer:
            return
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        if len(body) >= length:
            self._received = b""
            self._answer.set_result(int(head[9:12]))
            self._answer = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the request that waits fail."""
        if self._answer and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the service closed the connection"))

    async def ask(self, texts: Sequence[str], token: str = "") -> Sample:
        """Send a request and return how it was answered."""
        assert self._transport
        if self._transport.is_closing():
            raise ConnectionResetError("the service closed the connection")
        began = time.monotonic()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request_of(texts, token))
        status = await self._answer
        return Sample(status, time.monotonic() - began, len(texts))

    def send(self, texts: Sequence[str]) -> None:
        """Send a request whose answer nobody takes."""
        assert self._transport
        self._transport.write(request_of(texts))

    def close(self) -> None:
        """End the connection at once."""
        assert self._transport
        self._transport.abort()


def request_of(texts: Sequence[str], token: str = "") -> bytes:
    """Return the bytes of a request for one text, or for several."""
    body = json.dumps({"inputs": texts[0] if len(texts) == 1 else texts}, ensure_ascii=False).encode()
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"POST /v1/ner HTTP/1.1\r\nHost: localhost\r\n{authorization}Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def connect(host: str, port: int, count: int) -> list[Connection]:
    """Return so many connections."""
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Connection, host, port))[1] for _ in range(count)]


async def closed_loop(
    connections: Sequence[Connection],
    texts: Iterator[str],
    *,
    requests: int | None = None,
    seconds: float | None = None,
    texts_each: int = 1,
    token: str = "",
) -> list[Sample]:
    """Ask on each connection as soon as it has its last answer; stop after so many ``requests`` or ``seconds``."""
    samples: list[Sample] = []
    left = requests if requests is not None else 1 << 62
    end = time.monotonic() + seconds if seconds is not None else float("inf")

    async def ask_on(connection: Connection) -> None:
        nonlocal left
        while left > 0 and time.monotonic() < end:
            left -= 1
            samples.append(await connection.ask([next(texts) for _ in range(texts_each)], token))

    await asyncio.gather(*(ask_on(connection) for connection in connections))
    return samples


async def open_loop(
    connections: Sequence[Connection], texts: Iterator[str], *, rate: float, seconds: float
) -> list[Sample]:
    """Ask ``rate`` times a second at random moments, whatever the answers do; return the samples.

    Where no connection is free, the request waits for one: the machine that asks is then the limit.
    """
    draw = random.Random(7)
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in connections:
        free.put_nowait(connection)
    samples: list[Sample] = []

    async def ask_on(connection: Connection, text: str) -> None:
        samples.append(await connection.ask([text]))
        free.put_nowait(connection)

    next_at = time.monotonic()
    end = next_at + seconds
    async with asyncio.TaskGroup() as group:
        while next_at < end:
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))
            group.create_task(ask_on(await free.get(), next(texts)))
            next_at += draw.expovariate(rate)
    return samples
