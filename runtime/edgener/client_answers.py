"""The answers that a client of a service gets: entities, or an error that says when to ask again."""

from __future__ import annotations

import asyncio
import http.client
import json
import math
import random
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from edgener.client_requests import GROUP, Limits
from edgener.entity import Entity
from edgener.errors import EdgenerError

RETRY_SECONDS = 1.0
"""Time after which a service is asked again that does not say when."""
WAITING = (429, 503)
"""Statuses of a service that asks to be asked again later."""
HIDDEN = (403, 404, 405)
"""Statuses of a proxy that lets only requests for entities pass."""
UNREADABLE = (ValueError, KeyError, TypeError, RecursionError)
"""Errors of an answer that is no JSON, or not shaped as the service's answers are."""
CLOSED = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""Errors of a connection that the other side has closed, of which those of TLS are no ConnectionError."""
CUT_OFF = (*CLOSED, asyncio.IncompleteReadError, http.client.IncompleteRead)
"""Errors of a connection that is refused, or ends before the answer is whole."""


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


class Answer(NamedTuple):
    """An answer of HTTP; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    keeps_alive: bool


def found(answer: Answer) -> Answer:
    """Return an answer that holds what was asked for; raise ServiceError for any other."""
    if answer.status == 200:
        return answer
    retry_after = _retry_after(answer) if answer.status in WAITING else None
    try:
        fields = json.loads(answer.body)
        message, error_type = f"{fields['error']} ({answer.status})", fields["error_type"]
    except UNREADABLE:  # a proxy's page
        message, error_type = f"the service answered with status {answer.status}", "unknown"
    raise ServiceError(message, answer.status, error_type, retry_after)


def entities_of(answer: Answer, texts: Sequence[str]) -> list[list[Entity]]:
    """Return the entities of the texts; raise ServiceError for an answer that does not fit them."""
    try:
        return [
            [_entity(one["start"], one["end"], one["entity_group"], text, one["score"]) for one in entities]
            for text, entities in zip(texts, json.loads(answer.body), strict=True)
        ]
    except UNREADABLE as error:
        raise _strange(answer) from error


def fields_of(answer: Answer) -> dict[str, Any]:
    """Return the fields of an answer that is a JSON object; raise ServiceError for any other."""
    try:
        fields = json.loads(answer.body)
    except UNREADABLE as error:
        raise _strange(answer) from error
    if not isinstance(fields, dict):
        raise _strange(answer)
    return fields


def limits_of(info: Answer) -> Limits:
    """Return the limits of requests that fit those of a service, too."""
    try:
        limits = json.loads(info.body)["limits"]
        return Limits(min(GROUP.bytes, int(limits["bytes"])), min(GROUP.texts, int(limits["texts"])))
    except UNREADABLE as error:
        raise _strange(info) from error


def limits_where_hidden(error: ServiceError) -> Limits:
    """Return the limits of requests to a service that does not tell its own; raise any other error."""
    if error.status in HIDDEN:
        return GROUP
    raise error


def is_cut_off(error: Exception) -> bool:
    """Return True if a service that ends or starts may be the reason, so that it may be asked again."""
    return isinstance(error, CUT_OFF) or is_refused(error)


def is_refused(error: Exception) -> bool:
    """Return True if nobody listens; asyncio has one OSError without a number for several addresses of a host."""
    return isinstance(error, ConnectionRefusedError) or (type(error) is OSError and error.errno is None)


def pause(error: ServiceError, give_up_at: float) -> float:
    """Return the seconds until the service is asked again; raise ``error`` where that is of no use, or too late."""
    if error.retry_after is None:
        raise error
    seconds = error.retry_after * random.uniform(1, 1.25)  # several clients should not come back at the same moment
    if time.monotonic() + seconds > give_up_at:
        raise error
    return seconds


def _entity(start: int, end: int, label: str, text: str, score: float) -> Entity:
    if not 0 <= start < end <= len(text):
        raise ValueError("offsets outside of the text")
    return Entity(start, end, label, text[start:end], score)


def _strange(answer: Answer) -> ServiceError:
    return ServiceError(
        f"the answer is not edgener's: {answer.body[:60]!r}; is the address right?", answer.status, "unknown"
    )


def _retry_after(answer: Answer) -> float:
    try:
        seconds = float(answer.headers["retry-after"])
    except (KeyError, ValueError):
        return RETRY_SECONDS
    return seconds if 0 <= seconds < math.inf else RETRY_SECONDS
