"""A client of ``edgener serve --http`` that needs nothing but Python's standard library.

>>> from edgener.client import Client
>>> with Client("http://127.0.0.1:8765") as find:
...     print([(entity.text, entity.label) for entity in find("王小明在北京大学工作。")])
[('王小明', 'PER'), ('北京大学', 'ORG')]

``AsyncClient`` does the same with ``await``. Connections are kept and used again. A service that is overloaded says
when to ask again, and the clients wait until then.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import math
import random
import re
import ssl
import threading
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from numbers import Real
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from edgener.entity import Entity
from edgener.errors import EdgenerError, UsageError
from edgener.lone_surrogates import JSON_ESCAPES
from edgener.text_arguments import checked_texts, require_text

DEFAULT_ADDRESS = "http://127.0.0.1:8765"
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


class ServiceError(EdgenerError):
    """The service answered with an error, or cannot be reached."""

    def __init__(self, message: str, status: int = 0, error_type: str = "unreachable") -> None:
        """Take the message, the status of HTTP, 0 where there was no answer, and the service's word for the error."""
        super().__init__(message)
        self.status, self.error_type = status, error_type


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
        name = f"[{host}]" if ":" in host else host
        self.headers = {"Host": name if port is None else f"{name}:{port}", "User-Agent": "edgener"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def pause(self, answer: _Answer, give_up_at: float) -> float:
        """Return the seconds to wait until the service is asked again.

        Raises ServiceError where it did not ask to be, or where that is too late.
        """
        if answer.status not in WAITING:
            raise _error_of(answer)
        try:
            seconds = float(answer.headers.get("retry-after", "1"))
        except ValueError:
            seconds = 1.0
        if not 0 <= seconds < math.inf:
            seconds = 1.0
        seconds *= random.uniform(1, 1.25)  # several clients should not come back at the same moment
        if time.monotonic() + seconds > give_up_at:
            raise _error_of(answer)
        return seconds

    def unreachable(self, error: Exception) -> ServiceError:
        return ServiceError(
            f"{self.address}: cannot be reached: {error or type(error).__name__}; is the service there?"
        )


class Client:
    """A client of a service, which threads may share; each of them uses a connection of its own."""

    def __init__(
        self, address: str = DEFAULT_ADDRESS, *, token: str | None = None, timeout: float = 60.0, patience: float = 60.0
    ) -> None:
        """Take the service's address, the token if it asks for one, and times in seconds.

        An answer may take ``timeout``; a service that is overloaded is asked again for ``patience``. Raises UsageError
        where ``address`` is none, and TypeError for values of another type.
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
        answer = self._ask("POST", "/v1/ner", _body([_json(text)], _parameters(min_score, ignore_labels)))
        return _entities(answer, 1)[0]

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
            answer = self._ask("POST", "/v1/ner", _body(group, parameters))
            yield from _entities(answer, len(group))

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
            answer = self._exchange(method, path, body)
            if answer.status == 200:
                return answer
            time.sleep(self._service.pause(answer, give_up_at))

    def _exchange(self, method: str, path: str, body: bytes | None) -> _Answer:
        """Send a request and return its answer; a kept connection that the service has closed is replaced once."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection:
            try:
                return self._send(connection, method, path, body)
            except (ConnectionError, http.client.HTTPException):
                connection.close()
            except OSError as error:
                connection.close()
                raise self._service.unreachable(error) from error
        connection = self._connect()
        try:
            return self._send(connection, method, path, body)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._service.unreachable(error) from error

    def _connect(self) -> http.client.HTTPConnection:
        service = self._service
        kind = http.client.HTTPSConnection if service.is_secure else http.client.HTTPConnection
        return kind(service.host, service.port, timeout=service.timeout)

    def _send(self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None) -> _Answer:
        headers = {**self._service.headers, **({"Content-Type": "application/json"} if body is not None else {})}
        connection.request(method, self._service.prefix + path, body, headers)
        with connection.getresponse() as response:  # closed even where it is not whole
            fields = {name.lower(): value for name, value in response.getheaders()}
            answer = _Answer(response.status, fields, response.read(), not response.will_close)
        if answer.keeps_alive:
            with self._lock:
                self._idle.append(connection)
        else:
            connection.close()
        return answer


class AsyncClient:
    """A client of a service for programs that run in an event loop; tasks may share it."""

    def __init__(
        self, address: str = DEFAULT_ADDRESS, *, token: str | None = None, timeout: float = 60.0, patience: float = 60.0
    ) -> None:
        """Take what ``Client`` takes."""
        self._service = _Service(address, token, timeout, patience)
        self._secure = ssl.create_default_context() if self._service.is_secure else None
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._limits: _Limits | None = None

    async def __call__(self, text: str, *, min_score: float = 0.0, ignore_labels: Collection[str] = ()) -> list[Entity]:
        """Return what a call of ``Client`` returns."""
        require_text(text)
        answer = await self._ask("POST", "/v1/ner", _body([_json(text)], _parameters(min_score, ignore_labels)))
        return _entities(answer, 1)[0]

    def batch(
        self, texts: Iterable[str], *, min_score: float = 0.0, ignore_labels: Collection[str] = ()
    ) -> AsyncIterator[list[Entity]]:
        """Return an asynchronous iterator over what ``Client.batch`` yields."""
        return self._batch(_checked_texts(texts), _parameters(min_score, ignore_labels))

    async def _batch(self, texts: Iterator[str], parameters: bytes) -> AsyncIterator[list[Entity]]:
        self._limits = self._limits or await self._ask_limits()
        for group in _groups(texts, parameters, self._limits):
            answer = await self._ask("POST", "/v1/ner", _body(group, parameters))
            for entities in _entities(answer, len(group)):
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
        idle, self._idle = self._idle, []
        for _, writer in idle:
            writer.close()
            with suppress(OSError):  # the service has closed it already
                await writer.wait_closed()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    async def _ask(self, method: str, path: str, body: bytes | None) -> _Answer:
        give_up_at = time.monotonic() + self._service.patience
        while True:
            answer = await self._exchange(method, path, body)
            if answer.status == 200:
                return answer
            await asyncio.sleep(self._service.pause(answer, give_up_at))

    async def _exchange(self, method: str, path: str, body: bytes | None) -> _Answer:
        content = self._request(method, path, body)
        while self._idle:
            reader, writer = self._idle.pop()
            if reader.at_eof() or writer.is_closing():
                writer.close()
                continue
            try:
                return await self._send(reader, writer, content)
            except (ConnectionError, EOFError):  # the service has closed it just now
                continue
            except OSError as error:
                raise self._service.unreachable(error) from error
        try:
            async with asyncio.timeout(self._service.timeout):
                service = self._service
                reader, writer = await asyncio.open_connection(
                    service.host, service.port, ssl=self._secure, limit=LONGEST_HEAD
                )
            return await self._send(reader, writer, content)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError, http.client.HTTPException) as error:
            raise self._service.unreachable(error) from error

    def _request(self, method: str, path: str, body: bytes | None) -> bytes:
        headers = dict(self._service.headers)
        if body is not None:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        lines = [f"{method} {self._service.prefix}{path} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, content: bytes) -> _Answer:
        """Send a request and return its answer; whatever goes wrong, the connection is not used again."""
        is_done = False
        try:
            async with asyncio.timeout(self._service.timeout):
                writer.write(content)
                await writer.drain()
                answer = await _read_answer(reader)
                is_done = answer.keeps_alive
                return answer
        finally:
            if is_done:
                self._idle.append((reader, writer))
            else:
                writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> _Answer:
    """Return the answer that arrives; raise EOFError where it is not whole, or nothing that this client reads."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, _, rest = head.partition(b"\r\n")
    words = first.split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise EOFError(f"no answer of HTTP: {first[:60]!r}")
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


def _groups(texts: Iterable[str], parameters: bytes, limits: _Limits) -> Iterator[list[bytes]]:
    """Yield texts as JSON, as many together as one request may hold."""
    empty = len(_body([], parameters)) - 1  # a comma is before each text but the first
    group: list[bytes] = []
    size = empty
    for text in map(_json, texts):
        if group and size + 1 + len(text) > limits.bytes:
            yield group
            group, size = [], empty
        group.append(text)
        size += 1 + len(text)
        if len(group) >= limits.texts:
            yield group
            group, size = [], empty
    if group:
        yield group


def _body(texts: list[bytes], parameters: bytes) -> bytes:
    """Return the body of a request for texts and with parameters that are JSON already."""
    return b'{"inputs": [%b], "parameters": %b}' % (b",".join(texts), parameters)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).translate(JSON_ESCAPES).encode()


def _entities(answer: _Answer, count: int) -> list[list[Entity]]:
    """Return the entities of ``count`` texts; raise ServiceError for an answer that holds something else."""
    try:
        found = [
            [Entity(one["start"], one["end"], one["entity_group"], one["word"], one["score"]) for one in entities]
            for entities in json.loads(answer.body)
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise _strange(answer) from error
    if len(found) != count:
        raise _strange(answer)
    return found


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


def _error_of(answer: _Answer) -> ServiceError:
    try:
        fields = json.loads(answer.body)
        return ServiceError(f"{fields['error']} ({answer.status})", answer.status, fields["error_type"])
    except (ValueError, KeyError, TypeError):  # a proxy's page
        return ServiceError(f"the service answered with status {answer.status}", answer.status, "unknown")
