"""Only those who know a token may ask, and the file of tokens says at once what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgener.errors import InputError
from edgener.serve.tokens import Tokens
from tests.serve.servers import TEXT, TOKEN, Running, running, wait_until
from tests.support import TINY_BUNDLE, run_main


def test_a_request_without_a_known_token_is_refused(guarded: Running) -> None:
    for authorization in ("", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", TOKEN):
        answer = guarded.ask({"inputs": TEXT}, Authorization=authorization)
        assert (answer.status, answer.json["error_type"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == 'Bearer realm="edgener"'
    assert guarded.ask({"inputs": TEXT}, "/").status == 401
    for path in ("/info", "/metrics", "/v1/nothing"):
        assert guarded.get(path).status == 401


def test_a_known_token_opens_and_names_the_client_in_the_log(guarded: Running) -> None:
    for name, token in (("newsroom", TOKEN), ("archive", TOKEN[::-1])):
        answer = guarded.ask({"inputs": TEXT}, Authorization=f"bearer {token}")
        assert (answer.status, len(answer.json)) == (200, 2)
        wait_until(lambda name=name: any(f'"client": "{name}"' in line for line in guarded.log))
    assert not any(TOKEN in line for line in guarded.log)


def test_health_readiness_and_the_document_are_for_everybody(guarded: Running) -> None:
    assert [guarded.get(path).status for path in ("/health", "/ready", "/openapi.json")] == [200, 200, 200]


def test_a_large_body_without_a_token_is_not_read(guarded: Running) -> None:
    with guarded.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "holds no token"),
        ("# nobody\n", "holds no token"),
        ("name\n", ":1: is no name"),
        ("name short\n", ":1: is no name"),
        (f"a b {TOKEN}\n", ":1: is no name"),
        (f"a {TOKEN}\n\na {TOKEN}y\n", ":3: has a name or a token that is there already"),
        (f"a {TOKEN}\nb {TOKEN}\n", ":2: has a name or a token that is there already"),
    ],
)
def test_a_fault_of_the_file_is_told(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "tokens"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        Tokens.read(path)
    assert str(caught.value).startswith(f"{path}{told}" if told.startswith(":") else f"{path}: {told}")
    assert TOKEN not in str(caught.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        Tokens.read(tmp_path / "missing")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is not UTF-8"):
        Tokens.read(tmp_path / "binary")


def test_the_network_is_served_only_with_tokens_or_on_purpose(token_file: Path) -> None:
    refused = run_main("serve", "--http", "0.0.0.0:0", "--model", str(TINY_BUNDLE))
    assert refused.code == 2
    assert "name a --token-file, or let anybody ask with --no-token" in refused.errors
    with running("--http", "0.0.0.0:0", "--no-token", "--workers", "1", "--no-page") as service:
        assert service.ask({"inputs": TEXT}, Host="any.example").status == 200
        assert service.get("/").status == 405
        assert service.end().count("\n") == 0
    with running("--http", "[::1]:0", "--token-file", str(token_file), "--allowed-host", "ner.example") as service:
        opened = {"Authorization": f"Bearer {TOKEN}"}
        assert service.ask({"inputs": TEXT}, Host="NER.example:443", **opened).status == 200
        assert service.ask({"inputs": TEXT}, Host="other.example", **opened).status == 400


def test_a_page_of_a_named_origin_gets_leave_and_sees_errors_and_a_trusted_proxy_names_its_client() -> None:
    options = ("--cors-origin", "https://page.example", "--trusted-proxy", "127.0.0.1", "--workers", "1")
    with running(*options, "--log-requests") as service:
        asked = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
        preflight = service.request(
            "OPTIONS", "/v1/ner", None, {**asked, "Access-Control-Request-Headers": "content-type"}
        )
        assert preflight.status == 200
        assert preflight.headers["access-control-allow-origin"] == "https://page.example"
        assert preflight.headers["access-control-allow-methods"] == "GET, POST"
        assert "content-type" in preflight.headers["access-control-allow-headers"]
        for refused in (
            {"Origin": "https://other.example"},
            {"Access-Control-Request-Method": "DELETE"},
            {"Access-Control-Request-Headers": "content-type, x-other"},
        ):
            answer = service.request("OPTIONS", "/v1/ner", None, {**asked, **refused})
            assert (answer.status, answer.headers["vary"]) == (400, "Origin")
            assert answer.headers.get("access-control-allow-origin") != "https://other.example"
        for body in ({"inputs": TEXT}, {}):
            answer = service.ask(body, Origin="https://page.example")
            assert answer.headers["access-control-allow-origin"] == "https://page.example"
        service.get("/info", X_Forwarded_For="203.0.113.9, 127.0.0.1")
        assert "client=203.0.113.9 method=GET route=/info status=200" in service.end()
