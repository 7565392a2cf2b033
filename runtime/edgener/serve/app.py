"""The routes of a service over HTTP."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from edgener import __version__
from edgener.entity import Entity
from edgener.serve import lines
from edgener.serve.ask import Wanted, min_score_of, parse_ask
from edgener.serve.front import DisconnectedError, Front
from edgener.serve.json_text import to_json
from edgener.serve.metrics import CONTENT_TYPE
from edgener.serve.middleware import CLIENT, Guard, Observed, problem_response
from edgener.serve.openapi import document
from edgener.serve.page_files import page_responses
from edgener.serve.problem import ProblemError
from edgener.serve.protocol import CONNECTION, Connection

LONGEST_WAIT = 5.0
"""Seconds after which a stream of lines that was refused asks the engine again, at the latest."""
CORS_HEADERS = ("Authorization", "Content-Type", "X-Request-Id", "X-Request-Timeout")
CORS_EXPOSED = ("Retry-After", "Server-Timing", "X-Request-Id")


def application(front: Front, *, has_page: bool = True) -> Starlette:
    """Return the application that answers all requests to a service."""
    page = page_responses() if has_page else {}
    routes = _Routes(front, page.get("/"))
    table = [
        Route("/v1/ner", routes.ner, methods=["POST"]),
        Route("/", routes.root, methods=["GET", "POST"] if "/" in page else ["POST"]),
        Route("/v1/lines", routes.lines, methods=["POST"]),
        Route("/health", routes.health),
        Route("/ready", routes.ready),
        Route("/info", routes.info),
        Route("/metrics", routes.metrics),
        Route("/openapi.json", routes.openapi),
        *(Route(path, partial(_fixed, response)) for path, response in page.items() if path != "/"),
    ]
    paths = frozenset(route.path for route in table)
    public = frozenset({"/health", "/ready", "/openapi.json", *page})
    middleware = [Middleware(Observed, front, paths)]
    if front.hosts.origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=sorted(front.hosts.origins),
                allow_methods=["GET", "POST"],
                allow_headers=CORS_HEADERS,
                expose_headers=CORS_EXPOSED,
            )
        )
    middleware.append(Middleware(Guard, front, public))
    handlers = {HTTPException: _on_http_exception, ProblemError: _on_problem}
    app = Starlette(routes=table, middleware=middleware, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


class _Routes:
    """The answers of a service, one method a route."""

    def __init__(self, front: Front, index: Response | None) -> None:
        self._front, self._limits, self._index = front, front.limits, index

    async def ner(self, request: Request) -> Response:
        """Answer with the entities of one text, or of each of a list of texts."""
        _require_media_type(request, "application/json")
        deadline = self._deadline(request)
        body = await _body(request, self._limits.most_bytes)
        ask = parse_ask(body, self._limits.most_texts)
        if not ask.texts:
            return Response(b"[]", media_type="application/json")
        answered = await self._front.answer(ask.texts, request.scope[CLIENT], request.scope[CONNECTION], deadline)
        timing = f"queue;dur={answered.queue_seconds * 1000:.1f}, compute;dur={answered.compute_seconds * 1000:.1f}"
        content = to_json(ask.answer(answered.entities))
        return Response(content, media_type="application/json", headers={"Server-Timing": timing})

    async def root(self, request: Request) -> Response:
        """Show the page, or answer as ``ner`` does: clients of Hugging Face ask the bare address."""
        if self._index is None or request.method == "POST":
            return await self.ner(request)
        return self._index

    async def lines(self, request: Request) -> Response:
        """Answer each line of a stream."""
        _require_media_type(request, "text/plain")
        output_format, wanted = _line_options(request)
        return _Lines(self._front, request, output_format, wanted)

    async def health(self, _request: Request) -> Response:
        """Say that the process lives, however busy it is: whoever restarts it for its load makes it worse."""
        return _json({"status": "alive"})

    async def ready(self, _request: Request) -> Response:
        """Say whether new requests are welcome."""
        if self._front.is_draining:
            raise ProblemError(503, "the service ends", {"Retry-After": "1"})
        return _json({"status": "ready", "model": self._front.model.name})

    async def info(self, _request: Request) -> Response:
        """Describe the model and the limits."""
        front, limits = self._front, self._limits
        manifest = front.model.recognizer.manifest
        return _json(
            {
                "version": __version__,
                "model": {
                    "name": front.model.name,
                    "digest": front.model.digest,
                    "labels": list(manifest.tag_set.labels),
                    "max_tokens": manifest.max_tokens,
                },
                "workers": front.engine.statistics().workers,
                "processes": front.processes,
                "limits": {
                    "bytes": limits.most_bytes,
                    "texts": limits.most_texts,
                    "connections": limits.most_connections,
                    "deadline_seconds": limits.deadline_seconds,
                },
            }
        )

    async def metrics(self, _request: Request) -> Response:
        """Return numbers for Prometheus."""
        self._front.update_metrics()
        return Response(self._front.metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def openapi(self, _request: Request) -> Response:
        """Describe the routes for programs."""
        has_tokens, has_page = self._front.tokens is not None, self._index is not None
        return _json(document(self._limits, has_tokens=has_tokens, has_page=has_page))

    def _deadline(self, request: Request) -> float:
        given = request.headers.get("x-request-timeout")
        if given is None:
            return self._limits.deadline_seconds
        try:
            seconds = float(given)
        except ValueError:
            seconds = math.nan
        if not 0 < seconds < math.inf:
            raise ProblemError(422, "X-Request-Timeout must be a number of seconds above 0")
        return min(seconds, self._limits.deadline_seconds)


class _Lines(Response):
    """The answers to a stream of lines, sent while more is read."""

    def __init__(self, front: Front, request: Request, output_format: str, wanted: Wanted) -> None:
        super().__init__(media_type=lines.MEDIA_TYPES[output_format])
        del self.headers["content-length"]
        self._front, self._request = front, request
        self._format, self._wanted = output_format, wanted
        self._has_begun = False

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        limits = self._front.limits
        answers = lines.answers(
            self._request.stream(), self._answer, self._format, self._wanted, limits.most_bytes, limits.most_texts
        )
        try:
            async for piece in answers:
                await self._begin(send)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except ProblemError as problem:
            if not self._has_begun:
                raise
            await self._break_off(problem, send)
            return
        await self._begin(send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _begin(self, send: Send) -> None:
        """Send the head before the first piece: what is wrong with the first lines can still be told by a status."""
        if not self._has_begun:
            self._has_begun = True
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

    async def _break_off(self, problem: ProblemError, send: Send) -> None:
        """Say what is wrong where the format has a place for it, and end so that clients see it."""
        if self._format == "jsonl":
            await send({"type": "http.response.body", "body": to_json(problem.content) + b"\n", "more_body": True})
        connection: Connection = self._request.scope[CONNECTION]
        connection.transport.close()

    async def _answer(self, texts: Sequence[str]) -> Sequence[Sequence[Entity]]:
        """Return the entities of each text; once the answer has begun, wait where the engine refuses."""
        scope = self._request.scope
        connection: Connection = scope[CONNECTION]
        while True:
            try:
                answered = await self._front.answer(texts, scope[CLIENT], connection, deadline=None)
            except ProblemError as problem:
                if problem.status != 429 or not self._has_begun:
                    raise
                await asyncio.sleep(min(float(problem.headers["Retry-After"]), LONGEST_WAIT))
                if connection.transport.is_closing():
                    raise DisconnectedError from None
            else:
                return answered.entities


async def _fixed(response: Response, _request: Request) -> Response:
    return response


async def _on_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem_response(error)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    """Answer a path or a method that there is not."""
    assert isinstance(error, HTTPException)
    message = {404: "there is no such path", 405: f"{request.method} is not offered here"}.get(error.status_code, "")
    return problem_response(ProblemError(error.status_code, message, error.headers))


async def _body(request: Request, most_bytes: int) -> bytes:
    """Return the body of a request; raise ProblemError as soon as it is known to be too large."""
    too_large = ProblemError(413, f"the body has more than {most_bytes} bytes; send less at once, or use /v1/lines")
    if int(request.headers.get("content-length", 0)) > most_bytes:
        raise too_large
    blocks, length = [], 0
    async for block in request.stream():
        blocks.append(block)
        length += len(block)
        if length > most_bytes:
            raise too_large
    return b"".join(blocks)


def _require_media_type(request: Request, media_type: str) -> None:
    """Raise ProblemError unless the body is of this type, in UTF-8 and not compressed.

    A page of another origin cannot send JSON without asking first, which keeps it out.
    """
    given, *parameters = request.headers.get("content-type", "").lower().split(";")
    charsets = [part.partition("=")[2].strip(' "') for part in parameters if part.strip().startswith("charset")]
    if given.strip() != media_type or any(charset not in ("utf-8", "utf8") for charset in charsets):
        raise ProblemError(415, f"send Content-Type: {media_type}, in UTF-8")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise ProblemError(415, "send the body without a Content-Encoding")


def _line_options(request: Request) -> tuple[str, Wanted]:
    query = request.query_params
    for name in query:
        if name not in ("format", "min_score", "ignore_labels"):
            raise ProblemError(422, "known parameters of the query: format, min_score, ignore_labels")
    output_format = query.get("format", "jsonl")
    if output_format not in lines.WRITERS:
        raise ProblemError(422, f"format must be one of {', '.join(lines.WRITERS)}")
    try:
        min_score = min_score_of(float(query.get("min_score", "0")))
    except ValueError:
        raise ProblemError(422, "min_score must be a number between 0 and 1") from None
    ignored = [label for value in query.getlist("ignore_labels") for label in value.split(",") if label]
    return output_format, Wanted(min_score, frozenset(ignored))


def _json(value: object) -> Response:
    return Response(to_json(value), media_type="application/json")
