"""A client of ``edgener serve --http`` that needs nothing but Python's standard library.

>>> from edgener.client import Client
>>> with Client("http://127.0.0.1:8765") as find:
...     print([(entity.text, entity.label) for entity in find("王小明在北京大学工作。")])
[('王小明', 'PER'), ('北京大学', 'ORG')]

``AsyncClient`` does the same with ``await``. Connections are kept and used again. A service that is overloaded says
when to ask again, and the clients wait until then. They also ask again where a connection ends before the answer is
whole, or is refused by a service that has answered before: a request is safe to repeat.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit

from edgener.client_answers import (
    CLOSED,
    CUT_OFF,
    RETRY_SECONDS,
    Answer,
    ServiceError,
    entities_of,
    fields_of,
    found,
    is_cut_off,
    is_refused,
    limits_of,
    limits_where_hidden,
    pause,
)
from edgener.client_requests import Limits, body_of, client_texts, groups, number, parameters_of, text_json
from edgener.entity import Entity
from edgener.errors import UsageError
from edgener.text_arguments import require_text

__all__ = ["AsyncClient", "Client", "ServiceError"]

DEFAULT_ADDRESS = "http://127.0.0.1:8765"
CONNECTIONS = 32
"""Most connections of an ``AsyncClient``; further calls wait for their turn."""
LONGEST_HEAD = 1 << 16
"""Bytes of an answer's headers."""
LONGEST_TIMEOUT = 1e6
"""Seconds; sockets take no timeout above 24 days."""
HOST = re.compile(r"[\w.%:-]+", re.ASCII)
"""Names and addresses of hosts, as a request writes them."""
TOKEN = re.compile("[!-~]+")
"""Tokens that a header can hold."""
BROKEN = (OSError, ValueError, EOFError, asyncio.LimitOverrunError, http.client.HTTPException)
"""Errors of a connection without an answer that can be read."""


class _Service:
    """The address of a service, and what is the same for every request to it."""

    def __init__(self, address: str, token: str | None, timeout: float, patience: float) -> None:
        if not isinstance(address, str) or not isinstance(token, str | None):
            raise TypeError("expected an address as a str, and a token as a str or None")
        if not number(timeout, "timeout") > 0 or not number(patience, "patience") >= 0:
            raise UsageError("timeout must be a number of seconds above 0, and patience one that is not below 0")
        try:
            parts = urlsplit(address)
            port, host = parts.port, (parts.hostname or "").encode("idna").decode()
            path = quote(parts.path, safe="/%:@!$&'()*+,;=~")
        except ValueError as error:
            raise UsageError(f"{address}: is no address of a service: {error}; write http://HOST:PORT") from error
        if parts.scheme not in ("http", "https") or not HOST.fullmatch(host):
            raise UsageError(f"{address}: is no address of a service; write http://HOST:PORT")
        if token and not TOKEN.fullmatch(token):
            raise UsageError("the token holds something else than letters, digits and signs of ASCII")
        self.address, self.host, self.is_secure = address, host, parts.scheme == "https"
        self.port = (443 if self.is_secure else 80) if port is None else port
        self.prefix = path.rstrip("/")
        self.timeout, self.patience = min(float(timeout), LONGEST_TIMEOUT), float(patience)
        self.has_answered = False
        name = f"[{host}]" if ":" in host else host
        self.headers = {"Host": name if port is None else f"{name}:{port}", "User-Agent": "edgener"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def unreachable(self, error: Exception) -> ServiceError:
        """Return an error that says whether to ask again: not where nobody has ever listened."""
        is_there = self.has_answered or not is_refused(error)
        if isinstance(error, TimeoutError):
            return ServiceError(f"{self.address}: did not answer within {self.timeout:g} seconds")
        return ServiceError(
            f"{self.address}: cannot be reached: {str(error) or type(error).__name__}; is the service there?",
            retry_after=RETRY_SECONDS if is_there and is_cut_off(error) else None,
        )

    def found(self, answer: Answer) -> Answer:
        """Return an answer of success, and raise ServiceError for another one."""
        self.has_answered = True
        return found(answer)


class Client:
    """A client of a service, which threads may share; each of them uses a connection of its own."""

    def __init__(
        self, address: str = DEFAULT_ADDRESS, *, token: str | None = None, timeout: float = 60.0, patience: float = 60.0
    ) -> None:
        """Take the service's address, the token if it asks for one, and times in seconds.

        An answer may take ``timeout``. A service that is overloaded is asked again for ``patience``, as is one that
        ends connections without an answer, or refuses them after it has answered before. Raises UsageError where
        ``address`` is none, and TypeError for values of another type.
        """
        self._service = _Service(address, token, timeout, patience)
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._limits: Limits | None = None

    def __call__(self, text: str, *, min_score: float = 0.0, ignore_labels: Collection[str] = ()) -> list[Entity]:
        """Return the entities of a text; raise ServiceError where the service has no answer.

        Those of a score below ``min_score`` are left out, and those of the types in ``ignore_labels``. Raises TypeError
        for arguments of another type.
        """
        require_text(text)
        answer = self._ask("POST", "/v1/ner", body_of([text_json(text)], parameters_of(min_score, ignore_labels)))
        return entities_of(answer, [text])[0]

    def batch(
        self, texts: Iterable[str], *, min_score: float = 0.0, ignore_labels: Collection[str] = ()
    ) -> Iterator[list[Entity]]:
        """Return an iterator over the entities of each text, in the order of ``texts``, which may be endless.

        They are sent in groups that are within the limits of the service. The other arguments and the errors are those
        of a call.
        """
        return self._batch(client_texts(texts), parameters_of(min_score, ignore_labels))

    def _batch(self, texts: Iterator[str], parameters: bytes) -> Iterator[list[Entity]]:
        self._limits = self._limits or self._ask_limits()
        for group in groups(texts, parameters, self._limits):
            answer = self._ask("POST", "/v1/ner", body_of(group.json, parameters))
            yield from entities_of(answer, group.texts)

    def _ask_limits(self) -> Limits:
        try:
            return limits_of(self._ask("GET", "/info", None))
        except ServiceError as error:
            return limits_where_hidden(error)

    def info(self) -> dict[str, Any]:
        """Return what the service says about its model and its limits."""
        return fields_of(self._ask("GET", "/info", None))

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _ask(self, method: str, path: str, body: bytes | None) -> Answer:
        give_up_at = time.monotonic() + self._service.patience
        while True:
            try:
                return self._service.found(self._exchange(method, path, body))
            except ServiceError as error:
                time.sleep(pause(error, give_up_at))

    def _exchange(self, method: str, path: str, body: bytes | None) -> Answer:
        """Send a request and return its answer; a kept connection that the service has closed is replaced once."""
        if self._process != os.getpid():
            self._leave_connections()
        with self._lock:
            kept = self._idle.pop() if self._idle else None
        try:
            if kept:
                with suppress(*CUT_OFF):
                    return self._send(kept, method, path, body)
            return self._send(self._connection(), method, path, body)
        except BROKEN as error:
            raise self._service.unreachable(error) from error

    def _leave_connections(self) -> None:
        """Close this process's copies of the connections of the process that it was forked from, which uses them."""
        kept, self._idle = self._idle, []
        self._lock, self._process = threading.Lock(), os.getpid()  # the lock may have been held at that moment
        for connection in kept:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        service = self._service
        kind = http.client.HTTPSConnection if service.is_secure else http.client.HTTPConnection
        return kind(service.host, service.port, timeout=service.timeout)

    def _send(self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None) -> Answer:
        """Send a request and return its answer; whatever goes wrong, the connection is not used again."""
        headers = {**self._service.headers, **({"Content-Type": "application/json"} if body is not None else {})}
        is_usable = False
        try:
            if connection.sock is None:
                connection.connect()
            is_sent = False
            with suppress(*CLOSED):  # the service may have answered before it closed
                connection.request(method, self._service.prefix + path, body, headers)
                is_sent = True
            with connection.getresponse() as response:  # closed even where it is not whole
                fields = {name.lower(): value for name, value in response.getheaders()}
                answer = Answer(response.status, fields, response.read(), not response.will_close)
            is_usable = is_sent and answer.keeps_alive
            return answer
        finally:
            if is_usable:
                with self._lock:
                    self._idle.append(connection)
            else:
                connection.close()


class _Pool:
    """The connections of an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop, self.process = loop, os.getpid()
        self.turns = asyncio.Semaphore(CONNECTIONS)
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def close(self) -> None:
        """Close the connections that nobody uses."""
        while self.idle:
            _, writer = self.idle.pop()
            writer.close()
            with suppress(OSError):  # the service has closed it already
                await writer.wait_closed()

    def drop(self) -> None:
        """Close the connections that nobody uses from without their loop, which may have ended."""
        while self.idle:
            _, writer = self.idle.pop()
            connection = writer.get_extra_info("socket")
            if connection is not None and self.process == os.getpid():  # else it is gone, or used by another process
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class AsyncClient:
    """A client of a service for programs that run in an event loop; tasks may share it.

    It has at most 32 connections, and further calls wait for their turn. In another event loop it makes new ones.
    """

    def __init__(
        self, address: str = DEFAULT_ADDRESS, *, token: str | None = None, timeout: float = 60.0, patience: float = 60.0
    ) -> None:
        """Take what ``Client`` takes."""
        self._service = _Service(address, token, timeout, patience)
        self._secure = ssl.create_default_context() if self._service.is_secure else None
        self._pool: _Pool | None = None
        self._limits: Limits | None = None

    async def __call__(self, text: str, *, min_score: float = 0.0, ignore_labels: Collection[str] = ()) -> list[Entity]:
        """Return what a call of ``Client`` returns."""
        require_text(text)
        answer = await self._ask("POST", "/v1/ner", body_of([text_json(text)], parameters_of(min_score, ignore_labels)))
        return entities_of(answer, [text])[0]

    def batch(
        self, texts: Iterable[str], *, min_score: float = 0.0, ignore_labels: Collection[str] = ()
    ) -> AsyncIterator[list[Entity]]:
        """Return an asynchronous iterator over what ``Client.batch`` yields."""
        return self._batch(client_texts(texts), parameters_of(min_score, ignore_labels))

    async def _batch(self, texts: Iterator[str], parameters: bytes) -> AsyncIterator[list[Entity]]:
        self._limits = self._limits or await self._ask_limits()
        for group in groups(texts, parameters, self._limits):
            answer = await self._ask("POST", "/v1/ner", body_of(group.json, parameters))
            for entities in entities_of(answer, group.texts):
                yield entities

    async def _ask_limits(self) -> Limits:
        try:
            return limits_of(await self._ask("GET", "/info", None))
        except ServiceError as error:
            return limits_where_hidden(error)

    async def info(self) -> dict[str, Any]:
        """Return what the service says about its model and its limits."""
        return fields_of(await self._ask("GET", "/info", None))

    async def close(self) -> None:
        """Close the connections."""
        await self._pool_of_loop().close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    async def _ask(self, method: str, path: str, body: bytes | None) -> Answer:
        request = self._request(method, path, body)
        pool = self._pool_of_loop()
        async with pool.turns:
            give_up_at = time.monotonic() + self._service.patience
            while True:
                try:
                    return self._service.found(await self._exchange(pool, request))
                except ServiceError as error:
                    seconds = pause(error, give_up_at)
                await asyncio.sleep(seconds)

    def _pool_of_loop(self) -> _Pool:
        """Return the connections of the running loop, and drop those of another one."""
        loop = asyncio.get_running_loop()
        if self._pool is None or self._pool.loop is not loop or self._pool.process != os.getpid():
            if self._pool:
                self._pool.drop()
            self._pool = _Pool(loop)
        return self._pool

    async def _exchange(self, pool: _Pool, request: bytes) -> Answer:
        """Send a request and return its answer; kept connections that the service has closed are replaced."""
        service = self._service
        try:
            while pool.idle:
                reader, writer = pool.idle.pop()
                if reader.at_eof() or writer.is_closing():
                    writer.close()
                    continue
                with suppress(*CUT_OFF):
                    return await self._send(pool, reader, writer, request)
            async with asyncio.timeout(service.timeout):
                reader, writer = await asyncio.open_connection(
                    service.host, service.port, ssl=self._secure, limit=LONGEST_HEAD
                )
            return await self._send(pool, reader, writer, request)
        except BROKEN as error:
            raise service.unreachable(error) from error

    def _request(self, method: str, path: str, body: bytes | None) -> bytes:
        headers = dict(self._service.headers)
        if body is not None:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        lines = [f"{method} {self._service.prefix}{path} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")

    async def _send(
        self, pool: _Pool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> Answer:
        """Send a request and return its answer; whatever goes wrong, the connection is not used again.

        The answer is awaited while the request is sent, since a service may answer and close before it has read all.
        """
        is_usable = False
        try:
            async with asyncio.timeout(self._service.timeout):
                writer.write(request)
                answer = await _read_answer(reader)
                is_usable = answer.keeps_alive and not writer.transport.get_write_buffer_size()
                return answer
        finally:
            if is_usable:
                pool.idle.append((reader, writer))
            else:
                writer.transport.abort()


async def _read_answer(reader: asyncio.StreamReader) -> Answer:
    """Return the answer that arrives; raise one of BROKEN where it is not whole, or no answer of HTTP."""
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        first, _, rest = head.partition(b"\r\n")
        words = first.split()
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise http.client.BadStatusLine(first[:60].decode("latin-1"))
        if not words[1].startswith(b"1"):
            break  # no interim answer, such as 103 Early Hints, which another one follows
    headers = {name.lower(): value for name, value in http.client.parse_headers(io.BytesIO(rest)).items()}
    keeps_alive = words[0] == b"HTTP/1.1" and headers.get("connection", "").lower() != "close"
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _read_chunks(reader)
    elif "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body, keeps_alive = await reader.read(), False
    return Answer(int(words[1]), headers, body, keeps_alive)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks = []
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        if size:
            chunks.append(await reader.readexactly(size))
            await reader.readexactly(2)
            continue
        while await reader.readuntil(b"\r\n") != b"\r\n":  # trailers
            pass
        return b"".join(chunks)
