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
import json
import math
import random
import re
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from numbers import Real
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from edgener.entity import Entity
from edgener.errors import EdgenerError, UsageError
from edgener.lone_surrogates import FIRST_OF_PAIR, JSON_ESCAPES
from edgener.text_arguments import checked_texts, require_text

DEFAULT_ADDRESS = "http://127.0.0.1:8765"
CONNECTIONS = 32
"""Most connections of an ``AsyncClient``; further calls wait for their turn."""
RETRY_SECONDS = 1.0
"""Time after which a service is asked again that does not say when."""
LONGEST_HEAD = 1 << 16
"""Bytes of an answer's headers."""
LONGEST_TIMEOUT = 1e6
"""Seconds; sockets take no timeout above 24 days."""
HOST = re.compile(r"[\w.%:-]+", re.ASCII)
"""Names and addresses of hosts, as a request writes them."""
TOKEN = re.compile("[!-~]+")
"""Tokens that a header can hold."""
WAITING = (429, 503)
"""Statuses of a service that asks to be asked again later."""
HIDDEN = (403, 404, 405)
"""Statuses of a proxy that lets only requests for entities pass."""
CUT_OFF = (ConnectionError, asyncio.IncompleteReadError, http.client.IncompleteRead)
"""Errors of a connection that is refused, or ends before the answer is whole."""
BROKEN = (OSError, ValueError, EOFError, asyncio.LimitOverrunError, http.client.HTTPException)
"""Errors of a connection without an answer that can be read."""


class ServiceError(EdgenerError):
    """The service answered with an error, or cannot be reached."""

    def __init__(
        self, message: str, status: int = 0, error_type: str = "unreachable", retry_after: float | None = None
    ) -> None:
        """Take the message, the status of HTTP, 0 where there was no answer, and the service's word for the error.

        ``retry_after`` is the time in seconds after which to ask again, None where that is of no use.
        """
        super().__init__(message)
        self.status, self.error_type, self.retry_after = status, error_type, retry_after


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes
    keeps_alive: bool


class _Limits(NamedTuple):
    """Sizes of one request of ``batch``; a text that is larger alone is sent nevertheless."""

    bytes: int = 1 << 18
    texts: int = 64

    def of_service(self, info: _Answer) -> _Limits:
        """Return the limits that fit those of a service, too."""
        try:
            limits = json.loads(info.body)["limits"]
            return _Limits(min(self.bytes, int(limits["bytes"])), min(self.texts, int(limits["texts"])))
        except (ValueError, KeyError, TypeError) as error:
            raise _strange(info) from error


GROUP = _Limits()
"""Limits by which an answer comes soon; those of a service may be lower."""


class _Service:
    """The address of a service, and what is the same for every request to it."""

    def __init__(self, address: str, token: str | None, timeout: float, patience: float) -> None:
        if not isinstance(address, str) or not isinstance(token, str | None):
            raise TypeError("expected an address as a str, and a token as a str or None")
        if not _number(timeout, "timeout") > 0 or not _number(patience, "patience") >= 0:
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
        is_there = self.has_answered or not _is_refused(error)
        return ServiceError(
            f"{self.address}: cannot be reached: {error or type(error).__name__}; is the service there?",
            retry_after=RETRY_SECONDS if is_there and _is_cut_off(error) else None,
        )

    def found(self, answer: _Answer) -> _Answer:
        """Return an answer of success, and raise ServiceError for another one."""
        self.has_answered = True
        return _found(answer)


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
        self._limits: _Limits | None = None

    def __call__(self, text: str, *, min_score: float = 0.0, ignore_labels: Collection[str] = ()) -> list[Entity]:
        """Return the entities of a text; raise ServiceError where the service has no answer.

        Those of a score below ``min_score`` are left out, and those of the types in ``ignore_labels``. Raises TypeError
        for arguments of another type.
        """
        require_text(text)
        answer = self._ask("POST", "/v1/ner", _body([_text_json(text)], _parameters(min_score, ignore_labels)))
        return _entities(answer, [text])[0]

    def batch(
        self, texts: Iterable[str], *, min_score: float = 0.0, ignore_labels: Collection[str] = ()
    ) -> Iterator[list[Entity]]:
        """Return an iterator over the entities of each text, in the order of ``texts``, which may be endless.

        They are sent in groups that are within the limits of the service. The other arguments and the errors are those
        of a call.
        """
        return self._batch(_checked_texts(texts), _parameters(min_score, ignore_labels))

    def _batch(self, texts: Iterator[str], parameters: bytes) -> Iterator[list[Entity]]:
        self._limits = self._limits or self._ask_limits()
        for group in _groups(texts, parameters, self._limits):
            answer = self._ask("POST", "/v1/ner", _body(group.json, parameters))
            yield from _entities(answer, group.texts)

    def _ask_limits(self) -> _Limits:
        try:
            return GROUP.of_service(self._ask("GET", "/info", None))
        except ServiceError as error:
            return _limits_where_hidden(error)

    def info(self) -> dict[str, Any]:
        """Return what the service says about its model and its limits."""
        return _fields(self._ask("GET", "/info", None))

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

    def _ask(self, method: str, path: str, body: bytes | None) -> _Answer:
        give_up_at = time.monotonic() + self._service.patience
        while True:
            try:
                return self._service.found(self._exchange(method, path, body))
            except ServiceError as error:
                time.sleep(_pause(error, give_up_at))

    def _exchange(self, method: str, path: str, body: bytes | None) -> _Answer:
        """Send a request and return its answer; a kept connection that the service has closed is replaced once."""
        with self._lock:
            kept = self._idle.pop() if self._idle else None
        try:
            if kept:
                with suppress(*CUT_OFF):
                    return self._send(kept, method, path, body)
            return self._send(self._connection(), method, path, body)
        except BROKEN as error:
            raise self._service.unreachable(error) from error

    def _connection(self) -> http.client.HTTPConnection:
        service = self._service
        kind = http.client.HTTPSConnection if service.is_secure else http.client.HTTPConnection
        return kind(service.host, service.port, timeout=service.timeout)

    def _send(self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None) -> _Answer:
        """Send a request and return its answer; whatever goes wrong, the connection is not used again."""
        headers = {**self._service.headers, **({"Content-Type": "application/json"} if body is not None else {})}
        is_usable = False
        try:
            if connection.sock is None:
                connection.connect()
            is_sent = False
            with suppress(ConnectionError):  # the service may have answered before it closed
                connection.request(method, self._service.prefix + path, body, headers)
                is_sent = True
            with connection.getresponse() as response:  # closed even where it is not whole
                fields = {name.lower(): value for name, value in response.getheaders()}
                answer = _Answer(response.status, fields, response.read(), not response.will_close)
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
        self.loop = loop
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
            with suppress(OSError):
                writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


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
        self._limits: _Limits | None = None

    async def __call__(self, text: str, *, min_score: float = 0.0, ignore_labels: Collection[str] = ()) -> list[Entity]:
        """Return what a call of ``Client`` returns."""
        require_text(text)
        answer = await self._ask("POST", "/v1/ner", _body([_text_json(text)], _parameters(min_score, ignore_labels)))
        return _entities(answer, [text])[0]

    def batch(
        self, texts: Iterable[str], *, min_score: float = 0.0, ignore_labels: Collection[str] = ()
    ) -> AsyncIterator[list[Entity]]:
        """Return an asynchronous iterator over what ``Client.batch`` yields."""
        return self._batch(_checked_texts(texts), _parameters(min_score, ignore_labels))

    async def _batch(self, texts: Iterator[str], parameters: bytes) -> AsyncIterator[list[Entity]]:
        self._limits = self._limits or await self._ask_limits()
        for group in _groups(texts, parameters, self._limits):
            answer = await self._ask("POST", "/v1/ner", _body(group.json, parameters))
            for entities in _entities(answer, group.texts):
                yield entities

    async def _ask_limits(self) -> _Limits:
        try:
            return GROUP.of_service(await self._ask("GET", "/info", None))
        except ServiceError as error:
            return _limits_where_hidden(error)

    async def info(self) -> dict[str, Any]:
        """Return what the service says about its model and its limits."""
        return _fields(await self._ask("GET", "/info", None))

    async def close(self) -> None:
        """Close the connections."""
        await self._pool_of_loop().close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    async def _ask(self, method: str, path: str, body: bytes | None) -> _Answer:
        request = self._request(method, path, body)
        pool = self._pool_of_loop()
        async with pool.turns:
            give_up_at = time.monotonic() + self._service.patience
            while True:
                try:
                    return self._service.found(await self._exchange(pool, request))
                except ServiceError as error:
                    seconds = _pause(error, give_up_at)
                await asyncio.sleep(seconds)

    def _pool_of_loop(self) -> _Pool:
        """Return the connections of the running loop, and drop those of another one."""
        loop = asyncio.get_running_loop()
        if self._pool is None or self._pool.loop is not loop:
            if self._pool:
                self._pool.drop()
            self._pool = _Pool(loop)
        return self._pool

    async def _exchange(self, pool: _Pool, request: bytes) -> _Answer:
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
    ) -> _Answer:
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


async def _read_answer(reader: asyncio.StreamReader) -> _Answer:
    """Return the answer that arrives; raise one of BROKEN where it is not whole, or no answer of HTTP."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, _, rest = head.partition(b"\r\n")
    words = first.split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise http.client.BadStatusLine(first[:60].decode("latin-1"))
    headers = {name.lower(): value for name, value in http.client.parse_headers(io.BytesIO(rest)).items()}
    keeps_alive = words[0] == b"HTTP/1.1" and headers.get("connection", "").lower() != "close"
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _read_chunks(reader)
    elif "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body, keeps_alive = await reader.read(), False
    return _Answer(int(words[1]), headers, body, keeps_alive)


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


def _checked_texts(texts: Iterable[str]) -> Iterator[str]:
    if isinstance(texts, str):
        raise TypeError("expected an iterable of texts, got str; call the client itself for one text")
    return checked_texts(texts)


def _parameters(min_score: float, ignore_labels: Collection[str]) -> bytes:
    """Return the parameters of a request as JSON; raise TypeError for values of another type."""
    parameters: dict[str, float | list[str]] = {}
    lowest = _number(min_score, "min_score")
    if lowest:
        parameters["min_score"] = lowest
    if isinstance(ignore_labels, str | bytes) or not isinstance(ignore_labels, Iterable):
        raise TypeError(f"expected ignore_labels to be a list of entity types, got {type(ignore_labels).__name__}")
    labels = list(ignore_labels)
    if not all(isinstance(label, str) for label in labels):
        raise TypeError("expected each of ignore_labels to be a str")
    if labels:
        parameters["ignore_labels"] = labels
    return _json(parameters)


def _number(value: object, name: str) -> float:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"expected {name} to be a number, got {type(value).__name__}")
    return float(value)


def _limits_where_hidden(error: ServiceError) -> _Limits:
    """Return the limits of requests to a service that does not tell its own; raise any other error."""
    if error.status in HIDDEN:
        return GROUP
    raise error


class _Group(NamedTuple):
    """Texts that one request asks for."""

    texts: list[str]
    json: list[bytes]
    """Each of them as JSON."""


def _groups(texts: Iterable[str], parameters: bytes, limits: _Limits) -> Iterator[_Group]:
    """Yield texts, as many together as one request may hold."""
    empty = len(_body([], parameters)) - 1  # a comma is before each text but the first
    group = _Group([], [])
    size = empty
    for text in texts:
        encoded = _text_json(text)
        if group.texts and size + 1 + len(encoded) > limits.bytes:
            yield group
            group, size = _Group([], []), empty
        group.texts.append(text)
        group.json.append(encoded)
        size += 1 + len(encoded)
        if len(group.texts) >= limits.texts:
            yield group
            group, size = _Group([], []), empty
    if group.texts:
        yield group


def _body(texts: list[bytes], parameters: bytes) -> bytes:
    """Return the body of a request for texts and with parameters that are JSON already."""
    return b'{"inputs": [%b], "parameters": %b}' % (b",".join(texts), parameters)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).translate(JSON_ESCAPES).encode()


def _text_json(text: str) -> bytes:
    """Return a text as JSON that is read as so many code points; the model sees U+FFFD for half a pair, either way."""
    return _json(FIRST_OF_PAIR.sub("\ufffd", text))


def _entities(answer: _Answer, texts: Sequence[str]) -> list[list[Entity]]:
    """Return the entities of the texts; raise ServiceError for an answer that does not fit them."""
    try:
        return [
            [_entity(one["start"], one["end"], one["entity_group"], text, one["score"]) for one in entities]
            for text, entities in zip(texts, json.loads(answer.body), strict=True)
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise _strange(answer) from error


def _entity(start: int, end: int, label: str, text: str, score: float) -> Entity:
    if not 0 <= start < end <= len(text):
        raise ValueError("offsets outside of the text")
    return Entity(start, end, label, text[start:end], score)


def _fields(answer: _Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except ValueError as error:
        raise _strange(answer) from error
    if not isinstance(found, dict):
        raise _strange(answer)
    return found


def _strange(answer: _Answer) -> ServiceError:
    return ServiceError(
        f"the answer is not edgener's: {answer.body[:60]!r}; is the address right?", answer.status, "unknown"
    )


def _found(answer: _Answer) -> _Answer:
    """Return an answer that holds what was asked for; raise ServiceError for any other."""
    if answer.status == 200:
        return answer
    retry_after = _retry_after(answer) if answer.status in WAITING else None
    try:
        fields = json.loads(answer.body)
        message, error_type = f"{fields['error']} ({answer.status})", fields["error_type"]
    except (ValueError, KeyError, TypeError):  # a proxy's page
        message, error_type = f"the service answered with status {answer.status}", "unknown"
    raise ServiceError(message, answer.status, error_type, retry_after)


def _retry_after(answer: _Answer) -> float:
    try:
        seconds = float(answer.headers["retry-after"])
    except (KeyError, ValueError):
        return RETRY_SECONDS
    return seconds if 0 <= seconds < math.inf else RETRY_SECONDS


def _is_cut_off(error: Exception) -> bool:
    """Return True if a service that ends or starts may be the reason, so that it may be asked again."""
    return isinstance(error, CUT_OFF) or _is_refused(error)


def _is_refused(error: Exception) -> bool:
    """Return True if nobody listens; asyncio has one OSError without a number for several addresses of a host."""
    return isinstance(error, ConnectionRefusedError) or (type(error) is OSError and error.errno is None)


def _pause(error: ServiceError, give_up_at: float) -> float:
    """Return the seconds until the service is asked again; raise ``error`` where that is of no use, or too late."""
    if error.retry_after is None:
        raise error
    seconds = error.retry_after * random.uniform(1, 1.25)  # several clients should not come back at the same moment
    if time.monotonic() + seconds > give_up_at:
        raise error
    return seconds
