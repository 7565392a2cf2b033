"""The address of whoever asks is that which the last trusted proxy names, and nothing that a client can make up."""

from __future__ import annotations

import pytest

from edgener.serve.proxies import Proxies
from tests.support import TINY_BUNDLE, run_main

TRUSTED = Proxies(["127.0.0.1", "10.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("127.0.0.1", "10.1.2.3, 10.9.9.9", "10.1.2.3"),
        ("::1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("10.1.2.3", "203.0.113.9:4711", "203.0.113.9"),
        ("127.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", " ", "127.0.0.1"),
        ("127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9, ::ffff:10.1.2.3", "203.0.113.9"),
        ("127.0.0.1", "2001:DB8:0::7", "2001:db8::7"),
        ("127.0.0.1", "10.0.0.0/8", "10.0.0.0/8"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("", "198.51.100.1", ""),
    ],
)
def test_the_last_address_that_is_no_proxy_asks(peer: str, forwarded_for: str, client: str) -> None:
    assert TRUSTED.client_of(peer, forwarded_for) == client
    assert Proxies([]).client_of(peer, forwarded_for) == peer


@pytest.mark.parametrize("network", ["::ffff:10.0.0.0/104", "::/0", "10.1.2.3", "::ffff:10.1.2.3"])
def test_a_proxy_is_known_however_its_address_is_written(network: str) -> None:
    assert Proxies([network]).client_of("10.1.2.3", "2001:db8::7, 10.1.2.3").startswith("2001:db8::7")
    assert Proxies(["10.0.0.0/8"]).client_of("::1", "203.0.113.9") == "::1"


def test_a_proxy_that_is_no_address_is_refused() -> None:
    finished = run_main(
        "serve", "--model", str(TINY_BUNDLE), "--http", "127.0.0.1:0", "--trusted-proxy", "proxy.example"
    )
    assert finished.code == 2
    assert "--trusted-proxy: 'proxy.example' does not appear to be" in finished.errors
    assert "write an address or a network, as 10.0.0.0/8" in finished.errors
