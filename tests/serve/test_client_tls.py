"""edgener.client asks through a proxy that speaks TLS, and outlives the ends of its connections."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from edgener import Entity
from edgener.client import AsyncClient, Client, ServiceError
from tests.serve.certificates import HOST, certified
from tests.serve.servers import PATIENCE, TEXT

FOUND = b'[[{"entity_group": "PER", "word": "x", "start": 0, "end": 1, "score": 0.5}]]'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(FOUND), FOUND)
ENTITIES = [Entity(0, 1, "PER", "王", 0.5)]
Visit = Callable[[socket.socket, ssl.SSLContext], None]
"""The way in which a proxy serves a connection until it closes it."""


def read_request(connection: ssl.SSLSocket) -> None:
    request = b""
    while not request.endswith(b"}}"):
        request += connection.recv(1 << 16)


def answer(connection: socket.socket, context: ssl.SSLContext) -> None:
    with context.wrap_socket(connection, server_side=True) as secure:
        read_request(secure)
        secure.sendall(ANSWER)


def answer_and_take_leave(connection: socket.socket, context: ssl.SSLContext) -> None:
    with context.wrap_socket(connection, server_side=True) as secure:
        read_request(secure)
        secure.sendall(ANSWER)
        secure.setblocking(False)
        with suppress(ssl.SSLWantReadError):  # the client need not take leave, too
            secure.unwrap()


def answer_before_the_request_is_whole(connection: socket.socket, context: ssl.SSLContext) -> None:
    with context.wrap_socket(connection, server_side=True) as secure:
        secure.recv(1 << 10)
        secure.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\n{}")


def end_the_handshake(connection: socket.socket, _context: ssl.SSLContext) -> None:
    with connection:
        connection.recv(1 << 16)


class Proxy:
    """A proxy with TLS."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.closed = threading.Semaphore(0)
        """Released for each connection that the proxy has closed."""

    def await_end(self) -> None:
        """Wait until the proxy has closed one more connection."""
        assert self.closed.acquire(timeout=PATIENCE)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    return path, certified(path)


@pytest.fixture
def context(certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The side of a server of connections that clients trust in this test."""
    path, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setattr("edgener.client.RETRY_SECONDS", 0.1)
    return context


@contextmanager
def proxy(context: ssl.SSLContext, *visits: Visit) -> Iterator[Proxy]:
    """Provide a proxy for so many connections, one after the other."""
    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(PATIENCE)
        found = Proxy(f"https://{HOST}:{listener.getsockname()[1]}")

        def serve() -> None:
            for visit in visits:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(PATIENCE)
                    visit(connection, context)
                found.closed.release()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield found
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.mark.parametrize("first", [answer, answer_and_take_leave])
def test_a_kept_connection_that_the_proxy_has_closed_is_replaced(context: ssl.SSLContext, first: Visit) -> None:
    with proxy(context, first, answer) as there, Client(there.address, patience=0) as client:
        assert client(TEXT) == ENTITIES
        there.await_end()
        assert client(TEXT) == ENTITIES


@pytest.mark.parametrize("first", [answer, answer_and_take_leave])
def test_a_kept_connection_of_the_asynchronous_client_is_replaced(context: ssl.SSLContext, first: Visit) -> None:
    async def ask(there: Proxy) -> None:
        async with AsyncClient(there.address, patience=0) as client:
            assert await client(TEXT) == ENTITIES
            there.await_end()
            assert await client(TEXT) == ENTITIES

    with proxy(context, first, answer) as there:
        asyncio.run(ask(there))


def test_an_answer_that_comes_before_the_request_is_sent_is_read(context: ssl.SSLContext) -> None:
    with (
        proxy(context, answer_before_the_request_is_whole) as there,
        Client(there.address, patience=0) as client,
        pytest.raises(ServiceError) as refused,
    ):
        client("a" * 12_000_000)
    assert refused.value.status == 413


def test_a_proxy_that_ends_a_handshake_is_asked_again(context: ssl.SSLContext) -> None:
    async def ask(address: str) -> list[Entity]:
        async with AsyncClient(address) as client:
            return await client(TEXT)

    with proxy(context, end_the_handshake, answer) as there, Client(there.address) as client:
        assert client(TEXT) == ENTITIES
    with proxy(context, end_the_handshake, answer) as there:
        assert asyncio.run(ask(there.address)) == ENTITIES


def test_a_certificate_that_nobody_vouches_for_is_told_at_once(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with (
        proxy(context, answer) as there,
        Client(there.address) as client,
        pytest.raises(ServiceError, match="certificate verify failed") as refused,
    ):
        client(TEXT)
    assert refused.value.retry_after is None
