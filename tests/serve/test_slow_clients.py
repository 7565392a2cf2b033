"""Slow, silent and greedy clients are told so and closed, and cost nobody else anything."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from edgener.serve.protocol import MOST_PIPELINED
from tests.serve.servers import LINES, TEXT, Running, flood, is_closed, read_answer, running

READ_SECONDS = 0.6
POST = b"POST /v1/ner HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
Drip = Callable[[], None]


@pytest.fixture(scope="module")
def impatient() -> Iterator[Running]:
    """A service whose clocks are short and whose limits are low."""
    clocks = ("--read-seconds", str(READ_SECONDS), "--write-seconds", "1", "--keep-alive-seconds", "4")
    with running(*clocks, "--most-connections", "8", "--queue-seconds", "100", "--workers", "1") as service:
        yield service
        service.end()


@pytest.mark.parametrize(
    ("head", "drip", "status"),
    [
        (b"", b"", 0),
        (b"POST / HTTP/1.1\r\nHost:", b"", 408),
        (b"POST / HTTP/1.1\r\nX-Slow: ", b"x", 408),
        (POST + b"Content-Length: 100\r\n\r\n{", b"", 408),
        (POST + b"Content-Length: 100\r\n\r\n{", b" ", 408),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 408),
    ],
    ids=["silent", "half-head", "head-in-drops", "half-body", "body-in-drops", "chunks-in-drops"],
)
def test_a_client_that_does_not_come_to_its_end_is_closed_in_time(
    impatient: Running, head: bytes, drip: bytes, status: int
) -> None:
    began = time.monotonic()
    with impatient.connect() as connection:
        connection.sendall(head)
        connection.settimeout(0.1)
        content = b""
        while time.monotonic() - began < 30:
            try:
                block = connection.recv(1 << 16)
            except TimeoutError:
                with suppress(OSError):
                    connection.sendall(drip)
                continue
            except ConnectionError:
                break
            if not block:
                break
            content += block
        seconds = time.monotonic() - began
    assert seconds >= READ_SECONDS * 0.9
    assert seconds < READ_SECONDS + 10  # a busy machine; the clock itself is looked at four times a second
    assert content.startswith(b"HTTP/1.1 %d " % status if status else b"")
    assert bool(content) == bool(status)


def test_a_client_that_was_answered_before_its_body_came_is_not_answered_again(impatient: Running) -> None:
    with impatient.connect() as connection:
        connection.sendall(GET.replace(b"\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\n{"))
        assert read_answer(connection)[0] == 200
        assert connection.recv(1 << 16) == b""


def test_what_was_too_slow_is_counted(impatient: Running) -> None:
    with impatient.connect() as connection:
        connection.sendall(POST + b"Content-Length: 9\r\n\r\n{")
        assert read_answer(connection)[0] == 408
    assert impatient.metric('edgener_requests_total{route="/v1/ner",status="408"}') >= 1


def test_a_connection_rests_between_requests_for_longer_than_a_request_may_take(impatient: Running) -> None:
    with impatient.connect() as connection:
        connection.sendall(GET)
        assert read_answer(connection)[0] == 200
        time.sleep(READ_SECONDS + 0.4)
        connection.sendall(GET)
        assert read_answer(connection)[0] == 200
        assert is_closed(connection)


def test_a_stream_of_lines_may_rest_longer_than_a_request_but_not_for_ever(impatient: Running) -> None:
    with impatient.connect() as connection:
        connection.sendall(LINES + b"2\r\na\n\r\n")
        assert b"200 OK" in connection.recv(1 << 16)
        time.sleep(READ_SECONDS + 0.3)
        connection.sendall(b"2\r\na\n\r\n")
        content = b""
        while b'"line": 2' not in content:
            content += connection.recv(1 << 16)
        assert is_closed(connection)


def test_a_client_that_takes_no_answers_is_closed_and_nothing_piles_up(impatient: Running) -> None:
    line = b"x" * 10_000 + b"\n"  # one token, and an answer of 40 kB
    block = b"%x\r\n%s\r\n" % (len(line), line)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.connect((impatient.host, impatient.port))
        connection.sendall(LINES.replace(b"lines", b"lines?format=conll"))
        with pytest.raises(ConnectionError):
            flood(connection, block, 200)


def peak_memory(service: Running) -> int:
    """Return the most memory that the service has held so far, in kB."""
    status = Path(f"/proc/{service.process.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


@pytest.mark.parametrize("part", [b"x" * (1 << 16), b"X-A: " + b"x" * 1000 + b"\r\n"], ids=["one", "many"])
def test_a_flood_of_headers_is_refused_and_costs_no_memory(impatient: Running, part: bytes) -> None:
    before = peak_memory(impatient)
    with impatient.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Flood: ")
        with suppress(ConnectionError):
            flood(connection, part, 48)
        status, body = read_answer(connection)
    assert status in (431, 0)  # 0: the client has sent on for so long that the answer is lost
    assert b"x" not in body[:100] or b"headers take more" in body
    assert peak_memory(impatient) - before <= 1024
    with impatient.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Flood: " + b"x" * (1 << 14) + b"\r\n\r\n")
        assert read_answer(connection)[0] == 431


def test_trailers_without_end_are_refused(impatient: Running) -> None:
    with impatient.connect() as connection:
        connection.sendall(LINES + b"2\r\na\n\r\n0\r\nX-Flood: ")
        with pytest.raises(ConnectionError):
            flood(connection, b"x" * (1 << 16), 64)


def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(impatient: Running) -> None:
    with impatient.connect() as connection:
        connection.sendall(POST + b"Content-Length: 1000000000\r\n\r\n" + b"[" * 100_000)
        status, body = read_answer(connection)
        assert (status, b"too_large" in body) == (413, True)
        assert is_closed(connection)


def test_more_connections_than_served_are_told_so_and_operators_get_through(impatient: Running) -> None:
    with ExitStack() as stack:
        others = [stack.enter_context(closing(impatient.connect())) for _ in range(8)]
        for other in others:
            other.sendall(GET)
            assert read_answer(other)[0] == 200
        answer = impatient.ask({"inputs": TEXT})
        assert (answer.status, answer.json["error_type"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "1"
        assert impatient.get("/health").status == 200
        others[0].sendall(GET)
        assert read_answer(others[0])[0] == 200
    deadline = time.monotonic() + 30
    while impatient.ask({"inputs": TEXT}).status != 200:
        assert time.monotonic() < deadline


def test_bodies_of_all_clients_together_take_no_more_memory_than_they_may() -> None:
    body = b'{"inputs": "%b"}' % (b"x" * 300_000)
    head = POST + b"Content-Length: %d\r\n\r\n" % len(body)
    with running("--most-bytes", "400000", "--most-unread-bytes", "400000") as service:
        with service.connect() as first, service.connect() as second:
            first.sendall(head + body[:-1])
            for _ in range(4):  # in between the service reads what has arrived
                assert service.get("/health").status == 200
            second.sendall(head + body[:-1])
            status, answer = read_answer(second)
            assert (status, b'"unavailable"' in answer) == (503, True)
            assert service.ask({"inputs": TEXT}).status == 200
            first.sendall(body[-1:])
            assert read_answer(first)[0] == 200
        service.end()


def test_requests_without_end_in_one_connection_are_not_collected(impatient: Running) -> None:
    content = b""
    with impatient.connect() as connection, suppress(ConnectionError):
        connection.sendall(GET * 5000)
        while block := connection.recv(1 << 16):
            content += block
    assert content.count(b"HTTP/1.1 200 OK") <= MOST_PIPELINED + 1
    assert impatient.get("/health").status == 200


@pytest.mark.parametrize("texts", [8, 80], ids=["24 KB", "240 KB"])
def test_a_client_that_leaves_takes_its_request_along(service: Running, texts: int) -> None:
    before = service.metric("edgener_cancelled_total")
    body = json.dumps({"inputs": ["长" * 1000] * texts}, ensure_ascii=False).encode()
    for number in range(4):
        with service.connect() as connection:
            connection.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            if number % 2:
                time.sleep(0.1)
            else:  # one that may still read has gone, too: they look alike
                connection.shutdown(socket.SHUT_WR)
                assert read_answer(connection)[0] == 0
    deadline = time.monotonic() + 60
    while service.metric("edgener_queue_tokens") or service.metric("edgener_workers_busy"):
        assert time.monotonic() < deadline
    assert service.metric("edgener_cancelled_total") > before
