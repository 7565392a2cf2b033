"""Hosts and origins that requests may name: a web page must not reach the service through its reader's browser."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Names in the Host header of whoever asks a service on loopback."""
_PORT = re.compile(r":\d*$")


def is_loopback(host: str) -> bool:
    """Return True if only programs on this machine reach the address ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Hosts:
    """The names under which a service may be asked."""

    names: frozenset[str] | None
    """Names without a port, in lower case; None for any."""
    origins: frozenset[str]
    """Origins of web pages that may ask from elsewhere."""

    @classmethod
    def of(cls, *, loopback: bool, names: Collection[str], origins: Collection[str]) -> Hosts:
        """Return the rule for a service: on ``loopback`` its names are known, elsewhere those that are given."""
        own = LOOPBACK if loopback else frozenset()
        given = frozenset(name.lower() for name in names)
        return cls(own | given if loopback or given else None, frozenset(origins))

    def allows(self, host: str) -> bool:
        """Return True if a request may name this host, which the Host header holds."""
        return self.names is None or _PORT.sub("", host).lower() in self.names

    def allows_origin(self, origin: str, host: str) -> bool:
        """Return True if a page of ``origin`` may ask the service that it calls ``host``."""
        if origin in self.origins:
            return True
        try:
            place = urlsplit(origin).netloc.lower()
        except ValueError:
            return False
        return bool(place) and (place == host.lower() or _PORT.sub("", place) in (self.names or ()))
