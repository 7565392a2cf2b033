"""Hosts and origins that requests may name: a web page must not reach the service through its reader's browser."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from edgener.errors import UsageError
from edgener.serve.addresses import is_loopback

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Names in the Host header of whoever asks a service on this machine."""
DEFAULT_PORTS = {"http": "80", "https": "443"}
"""Ports that browsers leave out."""
_PORT = re.compile(r":\d*$")
_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]")
_ORIGIN = re.compile(rf"(?!http:.*:80$|https:.*:443$)[a-z][a-z0-9+.-]*://(?:{_NAME.pattern})(?::\d+)?|null")


@dataclass(frozen=True)
class Hosts:
    """The names under which a service may be asked."""

    names: frozenset[str] | None
    """Names without a port, in lower case; None for any."""
    origins: frozenset[str]
    """Origins of web pages that may ask from elsewhere."""

    @classmethod
    def of(cls, address: str, *, names: Collection[str], origins: Collection[str]) -> Hosts:
        """Return the rule for a service that listens on ``address``, or on a Unix socket where it is empty.

        A service on loopback has the names of this machine, one elsewhere any, unless ``names`` are given: then it has
        both these and those of this machine. Raises UsageError for a name or an origin that no request can hold.
        """
        given = frozenset(_checked_name(name) for name in names)
        own = (LOOPBACK | {f"[{address}]" if ":" in address else address}) - {""}
        return cls(own | given if given or is_loopback(address) else None, frozenset(map(_checked_origin, origins)))

    def allows(self, host: str) -> bool:
        """Return True if a request may name this host, which the Host header holds."""
        return self.names is None or _PORT.sub("", host).lower() in self.names

    def allows_origin(self, origin: str, host: str) -> bool:
        """Return True if a page of ``origin`` may ask the service that it calls ``host``.

        It may if it was named, or if it is the service itself: the same host and the same port. Whether a proxy in
        front speaks TLS is not known, so that the schemes are not compared.
        """
        if origin in self.origins:
            return True
        scheme, _, place = origin.lower().partition("://")
        return scheme in DEFAULT_PORTS and bool(place) and _with_port(place, scheme) == _with_port(host.lower(), scheme)


def _with_port(place: str, scheme: str) -> str:
    """Return HOST:PORT for a place whose port may be left out."""
    name = _PORT.sub("", place)
    return f"{name}:{place[len(name) + 1 :] or DEFAULT_PORTS[scheme]}"


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name.lower()):
        raise UsageError(
            f"--allowed-host is {name!r}; write a name without scheme, port or path, as ner.example or [2001:db8::1]"
        )
    return name.lower()


def _checked_origin(origin: str) -> str:
    if not _ORIGIN.fullmatch(origin):
        raise UsageError(
            f"--cors-origin is {origin!r}; write each origin as browsers send it, in lower case and without a path, as "
            "https://page.example or http://localhost:3000"
        )
    return origin
