"""Proxies in front of a service: those that are trusted say for whom they ask."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from edgener.errors import UsageError
from edgener.serve.addresses import plain_address


class Proxies:
    """The addresses of trusted proxies."""

    def __init__(self, addresses: Collection[str]) -> None:
        """Take addresses or networks such as ``10.0.0.0/8``; raise UsageError where one is neither."""
        try:
            self._networks = [_network(address) for address in addresses]
        except ValueError as error:
            raise UsageError(f"--trusted-proxy: {error}; write an address or a network, as 10.0.0.0/8") from None

    def client_of(self, peer: str, forwarded_for: str) -> str:
        """Return the address that asks: the last one in X-Forwarded-For that is no trusted proxy's.

        It is the ``peer`` itself where that is no trusted proxy, or says nothing.
        """
        if not self._networks or not forwarded_for or not self._trusts(peer):
            return peer
        hosts = [plain_address(_without_port(part.strip())) for part in forwarded_for.split(",")]
        return next((host for host in reversed(hosts) if not self._trusts(host)), hosts[0]) or peer

    def _trusts(self, host: str) -> bool:
        try:
            address = _as_ipv6(ipaddress.ip_address(host))
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def _network(address: str) -> ipaddress.IPv6Network:
    """Return a network, one of IPv4 as IPv6 maps it; raise ValueError for what is none."""
    network = ipaddress.ip_network(address, strict=False)
    if isinstance(network, ipaddress.IPv6Network):
        return network
    return ipaddress.IPv6Network((_as_ipv6(network.network_address), 96 + network.prefixlen))


def _as_ipv6(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv6Address:
    return address if isinstance(address, ipaddress.IPv6Address) else ipaddress.IPv6Address(f"::ffff:{address}")


def _without_port(host: str) -> str:
    """Return the address in ``ADDRESS:PORT`` or ``[ADDRESS]:PORT``, or what is there otherwise."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host
