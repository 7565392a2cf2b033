"""Leave for pages of other origins: browsers ask for it before such a page may send a request or read an answer.

These are the rules of the Fetch standard (https://fetch.spec.whatwg.org/#http-cors-protocol).
"""

from __future__ import annotations

from edgener.serve.messages import Request, Response
from edgener.serve.problem import ProblemError

METHODS = ("GET", "POST")
HEADERS = ("accept", "accept-language", "authorization", "content-language", "content-type", "x-request-id",
           "x-request-timeout")  # fmt: skip
EXPOSED = "Retry-After, Server-Timing, X-Request-Id"
MAX_AGE = "600"
"""Seconds for which a browser may remember the leave."""


class Cors:
    """The origins whose pages may ask."""

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = origins

    def headers(self, request: Request) -> str:
        """Return the lines with which the answer to a request tells browsers who may read it."""
        if not self._origins:
            return ""
        origin = request.headers.get("origin")
        if origin not in self._origins:
            return "vary: Origin\r\n"
        return f"vary: Origin\r\naccess-control-allow-origin: {origin}\r\naccess-control-expose-headers: {EXPOSED}\r\n"

    def preflight(self, request: Request) -> Response | None:
        """Return the answer to a browser that asks for leave, or None to another request.

        Raises ProblemError where it is not given.
        """
        headers = request.headers
        method = headers.get("access-control-request-method")
        if not self._origins or request.method != "OPTIONS" or method is None or "origin" not in headers:
            return None
        wanted = headers.get("access-control-request-headers", "").lower().split(",")
        if (
            headers["origin"] not in self._origins
            or method not in METHODS
            or any(name.strip() and name.strip() not in HEADERS for name in wanted)
        ):
            raise ProblemError(400, "a page asks for more than it may; to allow an origin, start with --cors-origin")
        return Response(
            headers={
                "Access-Control-Allow-Methods": ", ".join(METHODS),
                "Access-Control-Allow-Headers": ", ".join(HEADERS),
                "Access-Control-Max-Age": MAX_AGE,
            }
        )
