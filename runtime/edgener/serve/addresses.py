"""Addresses of clients and of the service itself, each in one spelling."""

from __future__ import annotations

import ipaddress


def plain_address(host: str) -> str:
    """Return an address in its shortest spelling, or what is no address as it is.

    A socket for both versions of IP calls 192.0.2.1 ``::ffff:192.0.2.1``; it is 192.0.2.1 again.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def is_loopback(host: str) -> bool:
    """Return True if only programs on this machine reach the address ``host``."""
    try:
        return ipaddress.ip_address(plain_address(host)).is_loopback
    except ValueError:
        return False
