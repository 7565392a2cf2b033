"""The application: each request gets a name, is let in or not, finds its route, and is noted in log and metrics."""

from __future__ import annotations

import time

from edgener.serve.cors import Cors
from edgener.serve.errors import Internal
from edgener.serve.front import Front
from edgener.serve.guard import Guard
from edgener.serve.messages import DisconnectedError, Request, Response, Stream, problem_response
from edgener.serve.page_files import page_responses
from edgener.serve.problem import ProblemError, problem_of
from edgener.serve.protocol import Connection
from edgener.serve.routes import Handler, Routes

ANSWERING = frozenset({"/v1/ner", "/"})
"""Paths whose requests are measured; a stream of lines lasts as long as its client likes."""
NO_ROUTE = "none"
"""Route in log and metrics of what was refused before it was a request."""
LEFT = 499
"""Status in log and metrics of requests whose client left before the answer, as nginx calls it."""


class Application:
    """The answerer of all requests to a service."""

    def __init__(self, front: Front, *, has_page: bool = True) -> None:
        """Take the state of the service, and whether it shows a page for people."""
        page = page_responses() if has_page else {}
        self._front = front
        self._table = _table(Routes(front, has_page=has_page), page)
        self._guard = Guard(front, frozenset({"/health", "/ready", "/openapi.json", *page}))
        self._cors = Cors(front.hosts.origins)

    async def __call__(self, request: Request, connection: Connection) -> None:
        """Answer a request; let no error out but as an answer."""
        began = time.perf_counter()
        headers = f"x-request-id: {request.id}\r\nx-content-type-options: nosniff\r\n{self._cors.headers(request)}"
        status = LEFT
        try:
            response = await self._response(request, connection)
            if self._front.is_draining or (response.status >= 400 and not request.is_whole):
                request.keep_alive = False
            status = await connection.answer(request, response, headers)
        except DisconnectedError:
            status = connection.refused_with or LEFT
        except Exception as error:  # of a stream
            status = 500
            self._front.log.failure(error, request.id)
            connection.abort()
        finally:
            self._note(request, status, time.perf_counter() - began)

    async def _response(self, request: Request, connection: Connection) -> Response | Stream:
        try:
            preflight = self._cors.preflight(request)
            if preflight:
                return preflight
            self._guard.check(request, connection)
            return await self._handler(request)(request)
        except ProblemError as problem:
            return problem_response(problem)
        except DisconnectedError:
            raise
        except Exception as error:
            self._front.log.failure(error, request.id)
            return problem_response(problem_of(Internal()))

    def _handler(self, request: Request) -> Handler:
        """Return what answers a method of a path; raise ProblemError where there is nothing."""
        methods = self._table.get(request.path)
        if methods is None:
            raise ProblemError(404, "there is no such path")
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            allowed = [*methods, "HEAD"] if "GET" in methods else methods
            raise ProblemError(405, f"{request.method} is not offered here", {"Allow": ", ".join(allowed)})
        return handler

    def refused(self, request: Request, status: int, seconds: float) -> None:
        """Note what was refused before it was a request, of which some is known."""
        request.client = self._guard.client_of(request)
        self._note(request, status, seconds)

    def _note(self, request: Request, status: int, seconds: float) -> None:
        front = self._front
        route = request.path if request.path in self._table else "other"
        if not request.path:
            route = NO_ROUTE
        front.metrics.request(route, status)
        if request.path in ANSWERING and request.method == "POST":
            front.metrics.request_duration.observe(seconds)
        front.log.request(
            id=request.id,
            client=request.client,
            method=request.method,
            route=route,
            status=status,
            seconds=round(seconds, 4),
        )


def _table(routes: Routes, page: dict[str, Response]) -> dict[str, dict[str, Handler]]:
    """Return what answers each path, by method."""
    table: dict[str, dict[str, Handler]] = {
        "/v1/ner": {"POST": routes.ner},
        "/": {"POST": routes.ner},
        "/v1/lines": {"POST": routes.lines},
        "/health": {"GET": routes.health},
        "/ready": {"GET": routes.ready},
        "/info": {"GET": routes.info},
        "/metrics": {"GET": routes.metrics},
        "/openapi.json": {"GET": routes.openapi},
    }
    for path, response in page.items():
        table.setdefault(path, {})["GET"] = _fixed(response)
    return table


def _fixed(response: Response) -> Handler:
    async def answer(_request: Request) -> Response:
        return response

    return answer
