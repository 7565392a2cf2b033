"""The routes of a service over HTTP."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from functools import partial
from urllib.parse import parse_qs

from edgener import __version__
from edgener.entity import Entity
from edgener.output_formats import unfit_label
from edgener.serve import lines
from edgener.serve.ask import Wanted, min_score_of, parse_ask
from edgener.serve.front import Front
from edgener.serve.instruments import CONTENT_TYPE
from edgener.serve.json_text import to_json
from edgener.serve.messages import (
    JSON,
    BrokenOffError,
    DisconnectedError,
    Request,
    Response,
    Stream,
    json_response,
)
from edgener.serve.openapi import document
from edgener.serve.problem import ProblemError
from edgener.serve.request import Model

LONGEST_WAIT = 5.0
"""Seconds after which a stream of lines that was refused asks the engine again, at the latest."""
Handler = Callable[[Request], Awaitable[Response | Stream]]


class Routes:
    """The answers of a service, one method a route."""

    def __init__(self, front: Front, *, has_page: bool) -> None:
        self._front, self._limits, self._has_page = front, front.limits, has_page

    async def ner(self, request: Request) -> Response:
        """Answer with the entities of one text, or of each of a list of texts."""
        _require_media_type(request, JSON)
        deadline = self._deadline(request)
        body = await request.body(self._limits.most_bytes)
        ask = parse_ask(body, self._limits.most_texts)
        if not ask.texts:
            return Response(b"[]", JSON)
        answered = await self._front.answer(ask.texts, request, deadline)
        timing = f"queue;dur={answered.queue_seconds * 1000:.1f}, compute;dur={answered.compute_seconds * 1000:.1f}"
        return Response(to_json(ask.answer(answered.entities)), JSON, headers={"Server-Timing": timing})

    async def lines(self, request: Request) -> Stream:
        """Answer each line of a stream."""
        _require_media_type(request, "text/plain")
        output_format, wanted = _line_options(request)
        answers = _Lines(self._front, request, output_format, wanted).answers()
        return Stream(lines.MEDIA_TYPES[output_format], await anext(answers, b""), answers)

    async def health(self, _request: Request) -> Response:
        """Say that the process lives, however busy it is: whoever restarts it for its load makes it worse."""
        return json_response({"status": "alive"})

    async def ready(self, _request: Request) -> Response:
        """Say whether new requests are welcome."""
        if self._front.is_draining:
            raise ProblemError(503, "the service ends", {"Retry-After": "1"})
        return json_response({"status": "ready", "model": self._front.model.name})

    async def info(self, _request: Request) -> Response:
        """Describe the model and the limits."""
        front, limits = self._front, self._limits
        manifest = front.model.recognizer.manifest
        return json_response(
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
        return Response(self._front.metrics.page(), CONTENT_TYPE)

    async def openapi(self, _request: Request) -> Response:
        """Describe the routes for programs."""
        has_tokens = self._front.tokens is not None
        return json_response(document(self._limits, has_tokens=has_tokens, has_page=self._has_page))

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


class _Lines:
    """The answers to a stream of lines, found while more is read."""

    def __init__(self, front: Front, request: Request, output_format: str, wanted: Wanted) -> None:
        self._front, self._request, self._format, self._wanted = front, request, output_format, wanted
        self._has_begun = False

    async def answers(self) -> AsyncGenerator[bytes, None]:
        """Yield the answers, all by the model that is there when they begin.

        Raises ProblemError before the first one, and later BrokenOffError, if a line is wrong.
        """
        limits = self._front.limits
        with self._front.engine.held_model() as model:
            if unfit_label(self._format, model.recognizer.labels) is not None:
                raise ProblemError(422, "the model has entity types with blanks in their names; take format=jsonl")
            answer = partial(self._answer, model)
            answers = lines.answers(
                self._request.blocks(), answer, self._format, self._wanted, limits.most_bytes, limits.most_texts
            )
            try:
                async for piece in answers:
                    self._has_begun = True
                    yield piece
            except ProblemError as problem:
                if not self._has_begun:
                    raise
                if self._format == "jsonl":  # the format has a place to say what is wrong
                    yield to_json(problem.content) + b"\n"
                raise BrokenOffError(problem.status) from None

    async def _answer(self, model: Model, texts: Sequence[str]) -> Sequence[Sequence[Entity]]:
        """Return the entities of each text; once the answer has begun, wait where the engine refuses."""
        while True:
            try:
                answered = await self._front.answer(texts, self._request, deadline=None, model=model)
            except ProblemError as problem:
                if problem.status != 429 or not self._has_begun:
                    raise
                await asyncio.sleep(min(float(problem.headers["Retry-After"]), LONGEST_WAIT))
                if self._request.is_gone:
                    raise DisconnectedError from None
            else:
                return answered.entities


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
    query = parse_qs(request.query, keep_blank_values=True)
    if not query.keys() <= {"format", "min_score", "ignore_labels"}:
        raise ProblemError(422, "known parameters of the query: format, min_score, ignore_labels")
    output_format = query.get("format", ["jsonl"])[-1]
    if output_format not in lines.WRITERS:
        raise ProblemError(422, f"format must be one of {', '.join(lines.WRITERS)}")
    try:
        min_score = min_score_of(float(query.get("min_score", ["0"])[-1]))
    except ValueError:
        raise ProblemError(422, "min_score must be a number between 0 and 1") from None
    ignored = [label for value in query.get("ignore_labels", []) for label in value.split(",") if label]
    return output_format, Wanted(min_score, frozenset(ignored))
