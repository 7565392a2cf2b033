"""Who may ask: a request must name this host, come from a page that may ask, and show a token where one is wanted."""

from __future__ import annotations

from edgener.serve.front import Front
from edgener.serve.messages import Request
from edgener.serve.problem import ProblemError
from edgener.serve.protocol import Connection

LOCAL = "local"
"""The client of requests that come without an address, through a Unix socket."""
PROBED = frozenset({"/health", "/ready"})
"""Paths for probes, which know the service by its address or by no name; what they learn is no secret."""
OPERATOR = PROBED | {"/metrics"}
"""Paths for operators, which are answered even on connections above the limit."""


class Guard:
    """The rules by which requests are let in."""

    def __init__(self, front: Front, public: frozenset[str]) -> None:
        """Take the paths that anybody may read."""
        self._front, self._public = front, public

    def check(self, request: Request, connection: Connection) -> None:
        """Note who asks; raise ProblemError where that client may not ask."""
        front, headers = self._front, request.headers
        if connection.is_surplus and request.path not in OPERATOR:
            request.keep_alive = False
            raise ProblemError(503, "too many connections", {"Retry-After": "1"})
        host = headers.get("host", "")
        if request.path not in PROBED and not front.hosts.allows(host):
            raise ProblemError(
                400, "the Host header names another host; to serve under that name, start with --allowed-host NAME"
            )
        request.client = self.client_of(request)
        tokens = front.tokens
        asks = request.method == "POST" and request.path == "/"
        is_public = request.path in self._public and not asks
        if tokens and not is_public:
            client = tokens.client_of(headers.get("authorization", ""))
            if client is None:
                raise ProblemError(
                    401, "send a token: Authorization: Bearer TOKEN", {"WWW-Authenticate": 'Bearer realm="edgener"'}
                )
            request.client = client
        origin = headers.get("origin")
        if origin is not None and not tokens and not front.hosts.allows_origin(origin, host):
            raise ProblemError(400, "a page of another origin asks; to allow it, start with --cors-origin ORIGIN")

    def client_of(self, request: Request) -> str:
        """Return the address that asks, or for which a trusted proxy asks."""
        return self._front.proxies.client_of(request.client, request.headers.get("x-forwarded-for", "")) or LOCAL
