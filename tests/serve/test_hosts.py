"""A service is asked under its own names alone, and by pages of its own or of origins that were named."""

from __future__ import annotations

import pytest

from edgener.errors import UsageError
from edgener.serve.hosts import Hosts
from edgener.serve.probe import trouble_of
from tests.serve.servers import TEXT, running


@pytest.mark.parametrize(
    ("address", "names", "allowed", "refused"),
    [
        ("127.0.0.1", [], ["localhost", "LOCALHOST:1", "127.0.0.1:8765", "[::1]"], ["127.0.0.5", "ner.example", ""]),
        ("127.0.0.5", [], ["127.0.0.5:8765", "localhost"], ["127.0.0.6"]),
        ("::ffff:127.0.0.1", [], ["[::ffff:127.0.0.1]:8765", "127.0.0.1"], ["ner.example"]),
        ("0.0.0.0", ["NER.example"], ["ner.example:80", "localhost:8765", "127.0.0.1", "0.0.0.0:8765"], ["b.example"]),
        ("::", ["[2001:db8::1]"], ["[2001:DB8::1]:80", "[::]:8765", "[::1]:8765"], ["b.example", ""]),
        ("192.0.2.1", [], ["whatever.example", ""], []),
        ("", ["ner.example"], ["ner.example"], [""]),
    ],
)
def test_a_service_knows_its_address_and_this_machine_beside_the_names_that_are_given(
    address: str, names: list[str], allowed: list[str], refused: list[str]
) -> None:
    hosts = Hosts.of(address, names=names, origins=[])
    assert [host for host in [*allowed, *refused] if hosts.allows(host)] == allowed


def test_pages_of_the_service_itself_or_of_a_named_origin_may_ask() -> None:
    hosts = Hosts.of("127.0.0.1", names=["ner.example"], origins=["https://page.example", "null"])
    for origin, host in (
        ("https://page.example", "localhost:1"),
        ("null", "localhost:1"),
        ("http://localhost:8765", "LOCALHOST:8765"),
        ("http://[::1]:8765", "[::1]:8765"),
        ("https://ner.example", "ner.example"),
        ("https://ner.example", "ner.example:443"),
        ("http://ner.example", "ner.example:80"),
        ("http://ner.example:80", "ner.example"),
    ):
        assert hosts.allows_origin(origin, host), (origin, host)
    for origin, host in (
        ("http://page.example", "localhost:1"),
        ("https://other.example", "localhost:1"),
        ("http://localhost:3000", "localhost:8765"),
        ("http://localhost", "localhost:8765"),
        ("https://localhost", "localhost:8765"),
        ("https://localhost", "localhost:80"),
        ("http://localhost:8765", "127.0.0.1:8765"),
        ("https://ner.example", "localhost:8765"),
        ("chrome-extension://ner.example", "ner.example"),
        ("http://", ""),
        ("http://[", "localhost"),
    ):
        assert not hosts.allows_origin(origin, host), (origin, host)
    assert not Hosts.of("0.0.0.0", names=[], origins=[]).allows_origin("https://other.example", "whatever.example")


@pytest.mark.parametrize(
    "name", ["ner.example:8080", "https://ner.example", "ner.example/", "*", "*.example", "", "::1", "例子.example"]
)
def test_a_name_that_no_request_can_hold_is_refused(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        Hosts.of("0.0.0.0", names=["ner.example", name], origins=[])
    assert str(caught.value).startswith(f"--allowed-host is {name!r}; write a name without scheme, port or path, as ")


@pytest.mark.parametrize(
    "origin",
    [
        "https://a.example/",
        "https://a.example/page",
        "*",
        "https://*.example",
        "a.example",
        "https://A.example",
        "https://a.example:443",
        "http://[::1]:80",
        "https://",
        "",
    ],
)
def test_an_origin_that_no_browser_sends_is_refused(origin: str) -> None:
    with pytest.raises(UsageError) as caught:
        Hosts.of("0.0.0.0", names=[], origins=["https://page.example", origin])
    assert str(caught.value).startswith(f"--cors-origin is {origin!r}; write each origin as browsers send it, in lower")


def test_origins_that_browsers_send_are_taken() -> None:
    origins = {
        "https://page.example", "http://localhost:3000", "https://a.example:80", "http://a.example:8080",
        "http://[::1]:81", "chrome-extension://abc", "null",
    }  # fmt: skip
    assert Hosts.of("127.0.0.1", names=[], origins=origins).origins == origins


def test_a_service_answers_under_the_address_that_it_says() -> None:
    with running("--http", "127.0.0.5:0", "--workers", "1") as service:
        assert service.address.startswith("http://127.0.0.5:")
        assert trouble_of(f"{service.address}/ready") == ""


def test_a_service_for_both_versions_of_ip_believes_its_proxy_and_answers_the_health_check() -> None:
    options = ("--no-token", "--allowed-host", "ner.example", "--trusted-proxy", "127.0.0.1", "--log-requests")
    with running("--http", "[::]:0", "--workers", "1", *options) as service:
        assert trouble_of(f"http://127.0.0.1:{service.port}/ready") == ""
        service.host = "127.0.0.1"
        assert service.ask({"inputs": TEXT}, Host="ner.example", X_Forwarded_For="::ffff:203.0.113.9").status == 200
        assert service.ask({"inputs": TEXT}, Host="other.example").status == 400
        log = service.end()
    assert "client=127.0.0.1 method=GET route=/ready status=200" in log
    assert "client=203.0.113.9 method=POST route=/v1/ner status=200" in log
