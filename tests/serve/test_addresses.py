"""An address has one spelling, and is known for one of this machine."""

from __future__ import annotations

import pytest

from edgener.serve.addresses import is_loopback, plain_address


def test_addresses_of_loopback_are_known() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.5", "name", "")] == [False] * 5


@pytest.mark.parametrize(
    ("host", "plain"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("192.0.2.1", "192.0.2.1"),
        ("no address", "no address"),
    ],
)
def test_an_address_has_one_spelling(host: str, plain: str) -> None:
    assert plain_address(host) == plain
