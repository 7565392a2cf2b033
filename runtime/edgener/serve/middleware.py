"""The layers around the routes: every request gets a name, is let in or not, and is noted in the log and metrics."""

from __future__ import annotations

import re
import secrets
import time

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgener.serve.errors import Internal
from edgener.serve.front import LOCAL, DisconnectedError, Front
from edgener.serve.json_text import to_json
from edgener.serve.problem import ProblemError, problem_of
from edgener.serve.protocol import CONNECTION, Connection

CLIENT = "edgener.client"
"""Key of the name of the client in the scope of a request."""
OPERATOR = frozenset({"/health", "/ready", "/metrics"})
"""Paths for operators, which are answered even on connections above the limit."""
ANSWERING = frozenset({"/v1/ner", "/"})
"""Paths whose requests are measured; a stream of lines lasts as long as its client likes."""
LEFT = 499
"""Status in log and metrics of requests whose client left before the answer, as nginx calls it."""
_REQUEST_ID = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)


def problem_response(problem: ProblemError) -> Response:
    """Return the answer that tells a client what is wrong."""
    return Response(to_json(problem.content), problem.status, problem.headers, "application/json")


class Observed:
    """The outermost layer: it names each request, notes its end, and lets no error out but as an answer."""

    def __init__(self, app: ASGIApp, front: Front, routes: frozenset[str]) -> None:
        """Take the layer within, and the paths that metrics and log name; others are ``other``."""
        self._app, self._front, self._routes = app, front, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        connection: Connection = scope[CONNECTION]
        given = Request(scope).headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        status = 0

        async def tagged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
                if self._front.is_draining or (status >= 400 and not connection.is_whole):
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, receive, tagged)
        except (ClientDisconnect, DisconnectedError):
            status = 408 if connection.timed_out else LEFT
        except Exception as error:
            self._front.log.failure(error, request_id)
            if status:
                connection.abort()
            else:
                await problem_response(problem_of(Internal()))(scope, receive, tagged)
            status = 500
        finally:
            self._note(scope, request_id, status, time.perf_counter() - began)

    def _note(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route = scope["path"] if scope["path"] in self._routes else "other"
        self._front.metrics.requests.labels(route, str(status)).inc()
        if scope["path"] in ANSWERING and scope["method"] == "POST":
            self._front.metrics.request_duration.observe(seconds)
        self._front.log.request(
            id=request_id,
            client=scope.get(CLIENT, ""),
            method=scope["method"],
            route=route,
            status=status,
            seconds=round(seconds, 4),
        )


class Guard:
    """The layer that lets only those requests in that may be made."""

    def __init__(self, app: ASGIApp, front: Front, public: frozenset[str]) -> None:
        """Take the layer within, and the paths that anybody may read."""
        self._app, self._front, self._public = app, front, public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check(scope)
        except ProblemError as problem:
            await problem_response(problem)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        """Note who asks; raise ProblemError where that client may not ask."""
        request = Request(scope)
        connection: Connection = scope[CONNECTION]
        if connection.is_surplus and scope["path"] not in OPERATOR:
            raise ProblemError(503, "too many connections", {"Retry-After": "1", "Connection": "close"})
        host = request.headers.get("host", "")
        if not self._front.hosts.allows(host):
            raise ProblemError(
                400, "the Host header names another host; to serve under that name, start with --allowed-host NAME"
            )
        scope[CLIENT] = request.client.host if request.client else LOCAL
        tokens = self._front.tokens
        asks = request.method == "POST" and scope["path"] == "/"
        is_public = scope["path"] in self._public and not asks
        if tokens and not is_public:
            client = tokens.client_of(request.headers.get("authorization", ""))
            if client is None:
                raise ProblemError(
                    401, "send a token: Authorization: Bearer TOKEN", {"WWW-Authenticate": 'Bearer realm="edgener"'}
                )
            scope[CLIENT] = client
        origin = request.headers.get("origin")
        if origin is not None and not tokens and not self._front.hosts.allows_origin(origin, host):
            raise ProblemError(400, "a page of another origin asks; to allow it, start with --cors-origin ORIGIN")
