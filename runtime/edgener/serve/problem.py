"""Errors as clients see them: a status of HTTP, and a body that says in words and in one word what is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping

from edgener.serve.errors import Draining, Expired, Overloaded, RequestError

ERROR_TYPES = {
    400: "bad_request",
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "too_large",
    415: "unsupported_media_type",
    422: "validation",
    429: "overloaded",
    431: "headers_too_large",
    500: "internal",
    503: "unavailable",
    504: "deadline",
}
"""The word of an error's ``error_type`` by status."""


class ProblemError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Take the status, one sentence for the client, and headers of the answer."""
        super().__init__(message)
        self.status, self.message, self.headers = status, message, dict(headers or {})

    @property
    def content(self) -> dict[str, str]:
        """Return the body of the answer."""
        return {"error": self.message, "error_type": ERROR_TYPES[self.status]}


def problem_of(error: RequestError) -> ProblemError:
    """Return the answer to a request that the engine did not answer."""
    if isinstance(error, Overloaded):
        return ProblemError(429, str(error), {"Retry-After": str(max(1, math.ceil(error.retry_after)))})
    if isinstance(error, Draining):
        return ProblemError(503, str(error), {"Retry-After": "1"})
    if isinstance(error, Expired):
        return ProblemError(504, str(error))
    return ProblemError(500, str(error))
