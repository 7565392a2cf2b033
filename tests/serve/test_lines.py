"""A stream of lines is answered as the command line answers a file, piece by piece and with back pressure."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener import Recognizer, Rules
from edgener.serve.engine import Engine
from edgener.serve.front import Front
from edgener.serve.hosts import Hosts
from edgener.serve.limits import Limits
from edgener.serve.lines import LineCutter, groups
from edgener.serve.log import Log
from edgener.serve.messages import BrokenOffError, DisconnectedError, Request
from edgener.serve.metrics import Metrics
from edgener.serve.models import Model
from edgener.serve.problem import ProblemError
from edgener.serve.proxies import Proxies
from edgener.serve.routes import Routes
from tests.serve.servers import LINES, PATIENCE, TEXT, Running, flood, wait_until
from tests.support import FRAGMENTS, TINY_BUNDLE, run_tiny

TOO_LONG = 'edgener_requests_total{route="/v1/lines",status="413"}'
"""The number of streams that a line ended which was too long."""
PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
CONTENT = (
    "\ufeff".encode()
    + f"{TEXT}\n\n{TEXT}\r\n".encode()
    + b"\xff\xfe\n"
    + ("长" * 9000 + TEXT + "\n").encode()
    + "\n".join(fragment.replace("\ud800", "").replace("\udcff", "") for fragment in FRAGMENTS).encode()
)


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


@pytest.mark.parametrize("output_format", ["jsonl", "conll"])
def test_the_same_bytes_as_the_command_line(service: Running, output_format: str) -> None:
    answer = service.request("POST", f"/v1/lines?format={output_format}", CONTENT, PLAIN)
    expected = run_tiny("--format", output_format, stdin=CONTENT)
    assert answer.status == 200
    assert answer.body == expected.output
    media_type = {"jsonl": "application/x-ndjson", "conll": "text/plain; charset=utf-8"}[output_format]
    assert answer.headers["content-type"] == media_type


def test_rules_of_the_query_are_those_of_the_command_line(service: Running) -> None:
    answer = service.request("POST", "/v1/lines?min_score=0.5&ignore_labels=LOC,PER", CONTENT, PLAIN)
    assert answer.body == run_tiny("--min-score", "0.5", "--types", "ORG", stdin=CONTENT).output


def test_each_line_is_answered_before_the_next_one_is_sent(service: Running) -> None:
    with service.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(LINES)
        line = f"{TEXT}\n".encode()
        for number in range(1, 4):
            for byte in line:
                connection.sendall(b"1\r\n%c\r\n" % byte)
            if number == 1:
                while stream.readline() != b"\r\n":
                    pass
            stream.readline()
            assert json.loads(stream.readline())["line"] == number
            stream.readline()
        connection.sendall(b"0\r\n\r\n")
        assert stream.read(5) == b"0\r\n\r\n"


def test_an_empty_stream_has_an_empty_answer(service: Running) -> None:
    answer = service.request("POST", "/v1/lines", b"", PLAIN)
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("query", ["format=xml", "min_score=2", "min_score=x", "min_score=nan", "colour=red"])
def test_a_query_that_makes_no_sense_is_refused(service: Running, query: str) -> None:
    assert service.request("POST", f"/v1/lines?{query}", b"a\n", PLAIN).status == 422


def test_lines_of_another_media_type_are_refused(service: Running) -> None:
    assert service.ask({"inputs": TEXT}, "/v1/lines").status == 415


def test_a_line_that_is_too_long_is_told_by_status_or_else_by_a_last_row_without_an_end(service: Running) -> None:
    long = b"x" * ((1 << 20) + 1)
    before = service.metric(TOO_LONG)
    assert service.request("POST", "/v1/lines", long, PLAIN).status == 413
    with service.connect() as connection:
        connection.sendall(LINES + b"2\r\na\n\r\n")
        content = b""
        while b'"line": 1' not in content:
            content += connection.recv(1 << 16)
        connection.sendall(b"%x\r\n%s" % (len(long) + 10, long))
        while block := connection.recv(1 << 16):
            content += block
    assert b'"error_type":"too_large"' in content
    assert not content.endswith(b"0\r\n\r\n")
    wait_until(lambda: service.metric(TOO_LONG) == before + 2)
    wait_until(lambda: sum("route=/v1/lines status=413" in line for line in service.log) == before + 2)


def test_a_client_from_before_chunks_reads_until_the_end(service: Running) -> None:
    head = b"POST /v1/lines HTTP/1.0\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
    with service.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(head % len(CONTENT) + CONTENT)
        answer = stream.read()
    start, _, content = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in start
    assert b"transfer-encoding" not in start
    assert content == run_tiny(stdin=CONTENT).output


def test_an_answer_that_is_broken_off_ends_in_an_error_for_a_client_from_before_chunks(service: Running) -> None:
    content = CONTENT + b"x" * 2_000_000
    head = b"POST /v1/lines?format=conll HTTP/1.0\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
    before = service.metric(TOO_LONG)
    with service.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(b"%sContent-Length: %d\r\n\r\n%s" % (head, len(content), content))
        with pytest.raises(ConnectionResetError):
            stream.read()
    wait_until(lambda: service.metric(TOO_LONG) == before + 1)


def test_answers_that_nobody_takes_stop_the_reading(service: Running) -> None:
    line = b"x" * 10_000 + b"\n"  # one token, and an answer of 40 kB
    block = b"%x\r\n%s\r\n" % (len(line), line)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        connection.settimeout(PATIENCE)
        connection.connect((service.host, service.port))
        connection.sendall(LINES.replace(b"lines", b"lines?format=conll"))
        connection.settimeout(1.5)
        with pytest.raises(TimeoutError):
            flood(connection, block, 8)


@pytest.mark.parametrize("end", ["whole", "closed", "left", "wrong"])
def test_a_stream_keeps_its_model_until_it_ends(recognizer: Recognizer, end: str) -> None:
    line, retired, metrics = f"{TEXT}\n".encode(), [], Metrics()
    metrics.on_retired = lambda: retired.append(end)
    models = [Model(TINY_BUNDLE, one, "") for one in (recognizer, recognizer.with_rules(Rules(types=("PER",))))]

    async def talk(engine: Engine) -> None:
        hosts = Hosts.of("127.0.0.1", names=[], origins=[])
        front = Front(models[0], engine, Limits(most_bytes=100), hosts, None, metrics, Log(), Proxies([]))
        request = Request(
            "POST", "/v1/lines", "", {"content-type": "text/plain"}, "", is_http_1_0=False, keep_alive=True,
            go_on=lambda: None,
        )  # fmt: skip
        request.add(line)
        answer = await Routes(front, has_page=False).lines(request)
        await front.switch(models[1])
        request.add(line)
        following = await anext(answer.rest)
        assert following == answer.first.replace(b'"line": 1', b'"line": 2')
        assert b'"ORG"' in following
        assert retired == []
        if end == "whole":
            request.end()
            assert [piece async for piece in answer.rest] == []
        elif end == "closed":
            await answer.rest.aclose()
        elif end == "left":
            request.leave()
            with pytest.raises(DisconnectedError):
                await anext(answer.rest)
        else:
            request.add(b"x" * 101)
            assert b"error" in await anext(answer.rest)
            with pytest.raises(BrokenOffError) as broken_off:
                await anext(answer.rest)
            assert broken_off.value.status == 413
        wait_until(lambda: retired == [end])  # a thread of the engine may still let go of what it has answered

    with closing(Engine(recognizer, workers=1, observer=metrics)) as engine:
        asyncio.run(talk(engine))


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\r\n", b"\xe7\x8e\x8b", b"\xe7", b"\xef\xbb\xbf"])), st.data())
def test_lines_do_not_depend_on_where_the_blocks_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    content = b"".join(parts)
    expected = content.decode("utf-8", "surrogateescape").removeprefix("\ufeff").split("\n")
    expected = [line.removesuffix("\r") for line in expected[: None if expected[-1] else -1]]
    cutter, found = LineCutter(100), []
    while content:
        size = data.draw(st.integers(1, len(content)))
        found += cutter.add(content[:size])
        content = content[size:]
    assert found + cutter.end() == expected


def test_a_line_of_just_the_longest_length_passes() -> None:
    assert LineCutter(3).add(b"abc\n") == ["abc"]
    for content in (b"abcd\n", b"abcd"):
        with pytest.raises(ProblemError) as caught:
            LineCutter(3).add(content)
        assert caught.value.status == 413


@given(st.lists(st.integers(0, 20_000).map(lambda length: "x" * length), max_size=8), st.integers(1, 3))
def test_groups_hold_all_lines_in_order_and_are_bounded(lines: list[str], most: int) -> None:
    found = list(groups(lines, most))
    assert [line for group in found for line in group] == lines
    assert all(len(group) == 1 or (len(group) <= most and sum(map(len, group)) <= 16384) for group in found)
