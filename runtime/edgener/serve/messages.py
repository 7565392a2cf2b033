"""Requests and answers of HTTP, as the routes see them: without a socket, and without a parser."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from edgener.serve.json_text import to_json
from edgener.serve.problem import ProblemError

JSON = "application/json"
_REQUEST_ID = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)


class DisconnectedError(Exception):
    """The client left, or was told that it is too slow, so that nobody waits for the answer."""


@dataclass(frozen=True)
class Response:
    """An answer that is known as a whole."""

    body: bytes = b""
    media_type: str | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers."""


@dataclass(frozen=True)
class Stream:
    """An answer that is sent piece by piece, while it is found."""

    media_type: str
    first: bytes
    """The first piece, which is known before the head is sent: what is wrong with it can still be told by a status."""
    rest: AsyncGenerator[bytes, None]
    """The other pieces; it raises BrokenOffError where there should be more of them, but are not."""
    status = 200


class BrokenOffError(Exception):
    """A stream ends before its proper end; its client shall see that."""

    def __init__(self, status: int) -> None:
        """Take the status that the answer would have, had it not begun."""
        super().__init__(status)
        self.status = status


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer that holds a value as JSON."""
    return Response(to_json(value), JSON, status, headers or {})


def problem_response(problem: ProblemError) -> Response:
    """Return the answer that tells a client what is wrong."""
    return json_response(problem.content, problem.status, problem.headers)


class Request:
    """A request whose head has arrived; its body may still be on its way."""

    __slots__ = (
        "_body", "_go_on", "_waiting", "client", "has_begun", "headers", "id", "is_gone", "is_http_1_0", "is_whole",
        "keep_alive", "method", "on_gone", "path", "query",
    )  # fmt: skip

    def __init__(
        self,
        method: str,
        path: str,
        query: str,
        headers: dict[str, str],
        client: str,
        *,
        is_http_1_0: bool,
        keep_alive: bool,
        go_on: Callable[[], None],
    ) -> None:
        """Take the parts of the head; ``go_on`` is called when more of the body is wanted than has arrived."""
        self.method, self.path, self.query, self.client = method, path, query, client
        self.headers = headers
        """Headers by their names in lower case; one that was sent several times has all its values, with commas."""
        given = headers.get("x-request-id", "")
        self.id = given if _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"
        """Name of the request in the log, which the client may choose."""
        self.is_http_1_0, self.keep_alive = is_http_1_0, keep_alive
        self.is_whole = False
        """All of the body has arrived."""
        self.has_begun = False
        """The answer has begun to be sent."""
        self.is_gone = False
        """Nobody waits for the answer any more."""
        self.on_gone: Callable[[], None] | None = None
        """Called when the client leaves."""
        self._body = bytearray()
        self._waiting: asyncio.Future[None] | None = None
        self._go_on = go_on

    @property
    def unread_bytes(self) -> int:
        """Return the number of bytes of the body that have arrived and that nobody has read yet."""
        return len(self._body)

    def add(self, block: bytes) -> int:
        """Take a block of the body; return the number of bytes that nobody has read yet."""
        self._body += block
        self._wake()
        return self.unread_bytes

    def end(self) -> None:
        """Note that all of the body has arrived."""
        self.is_whole = True
        self._wake()

    def leave(self) -> None:
        """Note that nobody waits for the answer any more."""
        if not self.is_gone:
            self.is_gone = True
            self._wake()
            if self.on_gone:
                self.on_gone()

    async def blocks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives; raise DisconnectedError where the client leaves before its end."""
        while True:
            if self.is_gone:
                raise DisconnectedError
            if self._body:
                block = bytes(self._body)
                self._body.clear()
                yield block
            elif self.is_whole:
                return
            else:
                await self._more()

    async def body(self, most_bytes: int) -> bytes:
        """Return the body; raise ProblemError as soon as it is known to be too large, else what ``blocks`` raises."""
        announced = int(self.headers.get("content-length", 0))
        while not self.is_whole and not self.is_gone and max(announced, len(self._body)) <= most_bytes:
            await self._more()
        if self.is_gone:
            raise DisconnectedError
        if max(announced, len(self._body)) > most_bytes:
            raise ProblemError(413, f"the body has more than {most_bytes} bytes; send less at once, or use /v1/lines")
        body = bytes(self._body)
        self._body.clear()
        return body

    async def _more(self) -> None:
        """Wait until something happens."""
        self._go_on()
        self._waiting = asyncio.get_running_loop().create_future()
        await self._waiting

    def _wake(self) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)
