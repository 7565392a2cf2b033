"""edgener.client asks a service with nothing but the standard library, and is patient with it."""

from __future__ import annotations

import asyncio
import gc
import json
import math
import re
import socket
import struct
import threading
import time
from asyncio import StreamWriter
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain, islice, pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgener import Entity, Recognizer
from edgener import client as client_module
from edgener.client import CONNECTIONS, AsyncClient, Client, ServiceError
from edgener.client_answers import RETRY_SECONDS
from edgener.client_requests import GROUP, Limits, body_of, groups, to_json
from edgener.errors import UsageError
from tests.serve.servers import PATIENCE, TEXT, TOKEN, Running, running
from tests.support import labelled_texts, run_python

TEXTS = ["", "\ud800" + TEXT, "\ud83d\ude00" + TEXT, *(row.text for row in labelled_texts()[: GROUP.texts + 6])]


def entities(client: Client | AsyncClient, text: str, **arguments: Any) -> list[Entity]:
    """Return the entities of a text, and close the client."""
    return batch(client, [text], is_batch=False, **arguments)[0]


def batch(
    client: Client | AsyncClient, texts: list[str], *, is_batch: bool = True, **arguments: Any
) -> list[list[Entity]]:
    """Return the entities of texts by ``batch`` or by calls, and close the client."""
    if isinstance(client, Client):
        with client:
            return list(client.batch(texts, **arguments)) if is_batch else [client(text, **arguments) for text in texts]

    async def ask() -> list[list[Entity]]:
        async with client:
            if is_batch:
                return [found async for found in client.batch(texts, **arguments)]
            return [await client(text, **arguments) for text in texts]

    return asyncio.run(ask())


def rounded(entities: list[Entity]) -> list[Entity]:
    return [replace(entity, score=round(entity.score, 4)) for entity in entities]


def test_answers_are_those_of_the_recognizer(service: Running, recognizer: Recognizer) -> None:
    expected = [rounded(entities) for entities in recognizer.batch(TEXTS)]
    with Client(service.address) as client:
        assert list(client.batch(TEXTS)) == expected
        assert list(client.batch(iter([]))) == []
        assert client(TEXT) == rounded(recognizer(TEXT))
        assert [entity.label for entity in client(TEXT, ignore_labels=["PER"])] == ["ORG"]
        assert client(TEXT, min_score=1.0) == []
        assert client.info()["model"]["name"] == recognizer.manifest.name


def test_asynchronous_answers_are_the_same(service: Running, recognizer: Recognizer) -> None:
    async def ask() -> None:
        async with AsyncClient(service.address) as client:
            found = [entities async for entities in client.batch(TEXTS)]
            assert found == [rounded(entities) for entities in recognizer.batch(TEXTS)]
            assert await asyncio.gather(*(client(TEXT) for _ in range(8))) == [rounded(recognizer(TEXT))] * 8
            assert [entity.label for entity in await client(TEXT, ignore_labels=["PER"])] == ["ORG"]
            assert (await client.info())["version"]

    asyncio.run(ask())


def test_long_texts_are_sent_in_requests_that_the_service_takes(service: Running) -> None:
    with Client(service.address) as client:
        assert len(list(client.batch(["\u3000" * 3_000] * 150))) == 150


@pytest.fixture(scope="module")
def narrow() -> Iterator[Running]:
    """A service that takes little at once."""
    with running("--most-texts", "3", "--most-bytes", "2000", "--workers", "1", "--queue-seconds", "100") as service:
        yield service


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_groups_fit_the_limits_of_the_service(narrow: Running, kind: type[Client | AsyncClient]) -> None:
    texts = [TEXT] * 10 + ["的" * 300] * 4 + ["\ud800" * 200, "\x00" * 200] * 2
    assert len(batch(kind(narrow.address), texts, ignore_labels=["PER"])) == len(texts)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_text_that_is_too_large_alone_is_refused_by_the_service(
    narrow: Running, kind: type[Client | AsyncClient]
) -> None:
    with pytest.raises(ServiceError) as refused:
        batch(kind(narrow.address), [TEXT, "的" * 700])
    assert (refused.value.status, refused.value.error_type) == (413, "too_large")


def test_texts_that_are_taken_alone_are_taken_together(service: Running) -> None:
    assert batch(Client(service.address), ["\u3000" * 60_000, "\u3000" * 340_000]) == [[], []]


@pytest.mark.parametrize("least", range(55, 90))
def test_a_group_takes_as_many_texts_as_its_body_has_room_for(least: int) -> None:
    texts = ["", "a", "的", "\U0001f600", "\ud800", '"\n', "的" * 60] * 3
    parameters, limits = b'{"min_score": 0.5}', Limits(least, 4)
    found = list(groups(texts, parameters, limits))
    assert [text for group in found for text in group.texts] == texts
    assert [text for group in found for text in group.json] == list(map(to_json, texts))
    assert {json.loads(body_of(group.json, parameters))["parameters"]["min_score"] for group in found} == {0.5}
    for group, following in pairwise([*(group.json for group in found), [b"x" * 160]]):
        size = len(body_of(group, parameters))
        assert size <= least or len(group) == 1
        assert len(group) == 4 or size + 1 + len(following[0]) > least


def test_a_full_group_does_not_wait_for_the_next_text() -> None:
    endless = iter(lambda: TEXT, "")
    first = next(groups(chain(islice(endless, 4), map(pytest.fail, endless)), b"{}", Limits(texts=4)))
    assert len(first.texts) == 4


def test_nothing_but_the_standard_library_is_loaded() -> None:
    code = """
import sys
before = set(sys.modules)
from edgener.client import AsyncClient, Client
names = {name.partition(".")[0] for name in set(sys.modules) - before}
assert names - {"edgener"} <= set(sys.stdlib_module_names), names
"""
    finished = run_python(code)
    assert finished.code == 0, finished.errors


def test_connections_are_used_again_and_replaced_when_the_service_has_closed_them() -> None:
    with running("--keep-alive-seconds", "3", "--workers", "1", "--queue-seconds", "100") as service:
        with Client(service.address) as client:
            places = set()
            for _ in range(5):
                assert len(client(TEXT)) == 2
                ((place,),) = ([kept.sock.getsockname() for kept in client._idle],)
                places.add(place)
            assert len(places) == 1
            time.sleep(4)
            assert len(client(TEXT)) == 2
            assert client._idle[0].sock.getsockname() not in places

        async def ask() -> None:
            async with AsyncClient(service.address) as client:
                places = set()
                for _ in range(5):
                    assert len(await client(TEXT)) == 2
                    assert client._pool is not None
                    ((_, writer),) = client._pool.idle
                    places.add(writer.get_extra_info("sockname"))
                assert len(places) == 1
                await asyncio.sleep(4)
                assert len(await client(TEXT)) == 2

        asyncio.run(ask())


def test_an_overloaded_service_is_asked_again_until_it_answers() -> None:
    text = TEXT * 40
    with running("--queue-seconds", "0.001", "--workers", "1") as service:
        with Client(service.address) as client, ThreadPoolExecutor(6) as pool:
            found = list(pool.map(lambda _: len(client(text)), range(12)))
            assert set(found) == {len(client(text))}
        assert service.metric('edgener_refused_total{reason="client"}') > 0

        async def ask() -> None:
            async with AsyncClient(service.address) as client:
                answers = await asyncio.gather(*(client(text) for _ in range(6)))
                assert {len(entities) for entities in answers} == set(found)

        asyncio.run(ask())
        with Client(service.address, patience=0) as hasty, ThreadPoolExecutor(6) as pool:
            errors = [error for error in pool.map(lambda _: error_of(hasty, text), range(12)) if error]
        assert {(error.status, error.error_type) for error in errors} == {(429, "overloaded")}


def error_of(client: Client, text: str) -> ServiceError | None:
    try:
        client(text)
    except ServiceError as error:
        return error
    return None


@pytest.mark.parametrize("is_asynchronous", [False, True])
def test_the_time_that_the_service_asks_for_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, is_asynchronous: bool
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(client_module, "time", SimpleNamespace(sleep=waited.append, monotonic=time.monotonic))
    monkeypatch.setattr(asyncio, "sleep", sleep)
    busy = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 20\r\nContent-Length: 2\r\n\r\n{}"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ENTITY), ENTITY)
    kind = AsyncClient if is_asynchronous else Client
    with canned(busy, answer) as address:
        assert len(entities(kind(address, patience=60), TEXT)) == 1
    assert [20 <= seconds <= 25 for seconds in waited] == [True]
    with canned(busy) as address, pytest.raises(ServiceError):
        entities(kind(address, patience=10), TEXT)
    assert len(waited) == 1


def test_a_token_is_sent_and_its_lack_is_told(guarded: Running) -> None:
    with Client(guarded.address, token=TOKEN) as client:
        assert len(client(TEXT)) == 2
    with Client(guarded.address) as client:
        error = error_of(client, TEXT)
        assert error is not None
        assert (error.status, error.error_type) == (401, "unauthorized")
        assert str(error) == "send a token: Authorization: Bearer TOKEN (401)"

    async def ask() -> None:
        async with AsyncClient(guarded.address, token=TOKEN) as client:
            assert len(await client(TEXT)) == 2
        async with AsyncClient(guarded.address) as client:
            with pytest.raises(ServiceError, match="send a token"):
                await client(TEXT)

    asyncio.run(ask())


def read_request(connection: socket.socket) -> bytes:
    """Read a request with its body; a connection that is closed with unread bytes in it is reset instead of ended."""
    request, length = b"", None
    while length is None or len(request) < length:
        received = connection.recv(1 << 16)
        if not received:
            break
        request += received
        head, end, _ = request.partition(b"\r\n\r\n")
        stated = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        if end:
            length = len(head) + len(end) + int(stated[1] if stated else 0)
    return request


RESET = b"reset"
"""Stands for a connection that ends without an answer, and with an error."""


@contextmanager
def canned(*answers: bytes, requests: list[bytes] | None = None) -> Iterator[str]:
    """Provide the address of a server that gives these answers, one for each connection, and then closes it.

    What it reads goes to ``requests``.
    """
    with socket.socket() as listener:
        listener.settimeout(PATIENCE)
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    request = read_request(connection)
                    if requests is not None:
                        requests.append(request)
                    if answer == RESET:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    else:
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/prefix/"
        thread.join(PATIENCE)
        assert not thread.is_alive()


def call(address: str) -> list[Entity]:
    with Client(address, timeout=60, patience=0) as client:
        return client(TEXT)


def call_asynchronously(address: str) -> list[Entity]:
    async def ask() -> list[Entity]:
        async with AsyncClient(address, timeout=60, patience=0) as client:
            return await client(TEXT)

    return asyncio.run(ask())


both = pytest.mark.parametrize("ask", [call, call_asynchronously], ids=["client", "asynchronous"])
Ask = Callable[[str], list[Entity]]
OK = b"HTTP/1.1 200 OK\r\n"
ENTITY = b'[[{"entity_group": "PER", "word": "x", "start": 0, "end": 1, "score": 0.5}]]'


@both
@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Transfer-Encoding: chunked\r\n\r\n%x;a=b\r\n%s\r\n0\r\nX: y\r\n\r\n" % (len(ENTITY), ENTITY),
        OK + b"Connection: close\r\n\r\n" + ENTITY,
        b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ENTITY), ENTITY),
    ],
    ids=["chunked", "until-closed", "old"],
)
def test_answers_that_a_proxy_has_changed_are_understood(ask: Ask, answer: bytes) -> None:
    with canned(answer) as address:
        assert ask(address) == [Entity(0, 1, "PER", "王", 0.5)]


@both
@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>", 502, "the service answered with status 502"),
        (
            b"HTTP/1.1 503 No\r\nRetry-After: soon\r\nContent-Length: 2\r\n\r\n{}",
            503,
            "the service answered with status",
        ),
        (b"", 0, "cannot be reached: "),
        (b"SSH-2.0-OpenSSH\r\n\r\n", 0, "cannot be reached: "),
        (OK + b"Content-Length: 100\r\n\r\n[", 0, "cannot be reached: "),
        (OK + b"Connection: close\r\n\r\n" + b"[" * 200_000, 200, "the answer is not edgener's"),
        (b"HTTP/1.1 500 No\r\nConnection: close\r\n\r\n" + b"[" * 200_000, 500, "the service answered with status 500"),
    ],
    ids=["page", "no-time", "nothing", "no-http", "half", "deep", "deep-error"],
)
def test_what_is_no_answer_is_told(ask: Ask, answer: bytes, status: int, told: str) -> None:
    with canned(answer) as address:
        with pytest.raises(ServiceError) as caught:
            ask(address)
        assert caught.value.status == status
        assert told in str(caught.value)


def test_an_interim_answer_is_followed_by_the_final_one() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    with canned(early + early + OK + b"Content-Length: %d\r\n\r\n%s" % (len(ENTITY), ENTITY)) as address:
        assert call_asynchronously(address) == [Entity(0, 1, "PER", "王", 0.5)]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_service_that_takes_too_long_is_told(kind: type[Client | AsyncClient]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(ServiceError, match=f"{address}: did not answer within 0.1 seconds"):
            entities(kind(address, timeout=0.1, patience=0), TEXT)


def answer_of(status: str, body: bytes) -> bytes:
    """Return an answer after which the connection is closed."""
    return b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_limits_are_asked_for_once(kind: type[Client | AsyncClient]) -> None:
    info, found = answer_of("200 OK", b'{"limits": {"bytes": 1000, "texts": 1}}'), answer_of("200 OK", ENTITY)
    requests: list[bytes] = []
    with canned(info, found, found, found, requests=requests) as address:
        client = kind(address)
        assert len(batch(client, [TEXT] * 2)) == 2
        assert len(batch(client, [TEXT])) == 1
    assert [request.split()[1] for request in requests] == [b"/prefix/info"] + [b"/prefix/v1/ner"] * 3


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_proxy_that_hides_the_limits_is_asked_nevertheless(kind: type[Client | AsyncClient]) -> None:
    with canned(answer_of("404 Not Found", b"no such page"), answer_of("200 OK", ENTITY)) as address:
        assert len(batch(kind(address), [TEXT])) == 1
    with canned(answer_of("502 Bad Gateway", b"")) as address, pytest.raises(ServiceError, match="status 502"):
        batch(kind(address), [TEXT])
    for strange in (b"{}", b"[]", b'{"limits": {"bytes": "many", "texts": 1}}'):
        with canned(answer_of("200 OK", strange)) as address, pytest.raises(ServiceError, match="not edgener's"):
            batch(kind(address), [TEXT])


@both
@pytest.mark.parametrize("place", ['"start": 0, "end": 12', '"start": -1, "end": 2', '"start": 2, "end": 2'])
def test_entities_outside_of_the_text_are_no_answer(ask: Ask, place: str) -> None:
    body = f'[[{{{place}, "entity_group": "PER", "word": "x", "score": 1.0}}]]'.encode()
    with canned(answer_of("200 OK", body)) as address, pytest.raises(ServiceError, match="not edgener's"):
        ask(address)


@both
def test_a_service_that_is_not_there_is_told(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(ServiceError, match=f"{address}: cannot be reached: "):
        ask(address)


@both
def test_an_address_in_chinese_is_written_in_ascii(ask: Ask) -> None:
    answer = OK + b"Content-Length: %d\r\n\r\n%s" % (len(ENTITY), ENTITY)
    requests: list[bytes] = []
    with canned(answer, requests=requests) as address:
        assert len(ask(address + "服务 一/%2F")) == 1
    assert requests[0].startswith(b"POST /prefix/%E6%9C%8D%E5%8A%A1%20%E4%B8%80/%2F/v1/ner HTTP/1.1\r\n")
    with pytest.raises(ServiceError, match="cannot be reached: "):
        ask("http://北京.invalid")


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_nobody_there_is_told_at_once_unless_a_service_has_answered_before(kind: type[Client | AsyncClient]) -> None:
    with canned(answer_of("200 OK", ENTITY)) as address:
        client = kind(address, patience=0)
        assert entities(client, TEXT)
    for asked, retry_after in ((client, RETRY_SECONDS), (kind(address), None)):
        with pytest.raises(ServiceError, match="cannot be reached") as caught:
            entities(asked, TEXT)
        assert caught.value.retry_after == retry_after


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_service_that_ends_and_starts_is_asked_again(
    kind: type[Client | AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgener.client.RETRY_SECONDS", 0.1)
    half = OK + b"Content-Length: 100\r\n\r\n["
    with canned(RESET, b"", half, answer_of("200 OK", ENTITY)) as address:
        client = kind(address)
        assert entities(client, TEXT) == [Entity(0, 1, "PER", "王", 0.5)]
    with canned(RESET) as address, pytest.raises(ServiceError, match="cannot be reached: ") as caught:
        entities(kind(address, patience=0), TEXT)
    assert caught.value.retry_after == 0.1
    with canned(b"SSH-2.0-OpenSSH\r\n\r\n") as address, pytest.raises(ServiceError) as caught:
        entities(kind(address), TEXT)
    assert caught.value.retry_after is None


def test_a_host_of_several_addresses_that_refuse_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 1))
        for address in ("127.0.0.1", "127.0.0.2")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: found)
    for kind in (Client, AsyncClient):
        with pytest.raises(ServiceError) as caught:
            entities(kind("http://several.invalid:1"), TEXT)
        assert caught.value.retry_after is None


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_the_answer_to_a_request_that_is_not_read_to_its_end_is_read(
    narrow: Running, kind: type[Client | AsyncClient]
) -> None:
    with pytest.raises(ServiceError) as refused:
        entities(kind(narrow.address), "a" * 12_000_000)
    assert (refused.value.status, refused.value.error_type) == (413, "too_large")


async def served(
    answer: Callable[[asyncio.StreamReader, StreamWriter], Coroutine[Any, Any, None]],
    ask: Callable[[str], Coroutine[Any, Any, None]],
) -> None:
    """Let ``ask`` have the address of a server in the same event loop."""
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        await ask(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")


def test_a_connection_on_which_a_request_is_still_sent_is_not_used_again() -> None:
    async def answer(reader: asyncio.StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Content-Length: %d\r\n\r\n%s" % (len(ENTITY), ENTITY))
        try:
            await reader.read()
        finally:
            writer.close()

    async def ask(address: str) -> None:
        async with AsyncClient(address) as client:
            for _ in range(2):
                assert len(await client("a" * 12_000_000)) == 1
            assert client._pool is not None
            assert client._pool.idle == []

    asyncio.run(served(answer, ask))


def test_many_calls_at_once_take_few_connections() -> None:
    open_now, most = 0, 0

    async def answer(reader: asyncio.StreamReader, writer: StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"{}}"):
                await asyncio.sleep(0)
                writer.write(OK + b"Content-Length: %d\r\n\r\n%s" % (len(ENTITY), ENTITY))
        open_now -= 1
        writer.close()

    async def ask(address: str) -> None:
        async with AsyncClient(address) as client:
            assert len(await asyncio.gather(*(client(TEXT) for _ in range(200)))) == 200
        while open_now:
            await asyncio.sleep(0.01)

    asyncio.run(served(answer, ask))
    assert most == CONNECTIONS


FORKED = """
import asyncio, os, sys
from edgener.client import AsyncClient, Client
address, text = sys.argv[1:]
client, other = Client(address), AsyncClient(address)
def in_child(has_passed):
    pid = os.fork()
    if not pid:
        os._exit(0 if has_passed() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
expected = client(text)
kept = client._idle[0]
in_child(lambda: client(text) == expected and client._idle != [kept])
assert client(text) == expected and client._idle == [kept]
async def ask():
    assert await other(text) == expected
    in_child(lambda: client(text) == expected)
    assert await other(text) == expected
asyncio.run(ask())
in_child(lambda: asyncio.run(other(text)) == expected)
"""
"""A program that asks with clients of its own, and in processes that it forks."""


def test_a_process_that_is_forked_uses_connections_of_its_own(service: Running) -> None:
    finished = run_python(FORKED, service.address, TEXT)
    assert finished.code == 0, finished.errors


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_client_is_used_in_one_event_loop_after_the_other(service: Running) -> None:
    client = AsyncClient(service.address)

    async def ask() -> socket.socket:
        assert len(await client(TEXT)) == 2
        assert client._pool is not None
        ((_, writer),) = client._pool.idle
        connection: socket.socket = writer.get_extra_info("socket").dup()
        connection.settimeout(PATIENCE)
        return connection

    with asyncio.run(ask()) as first, asyncio.run(ask()) as second:
        assert first.recv(1) == b""
        asyncio.run(client.close())
        assert second.recv(1) == b""
    gc.collect()  # here, where asyncio's warnings of what its loop has left open are ignored


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://北京.invalid:80", "xn--1lq90i.invalid:80"),
        ("https://user@北京.invalid", "xn--1lq90i.invalid"),
        ("http://[::1]:8765", "[::1]:8765"),
        ("http://my_service:8765", "my_service:8765"),
    ],
)
def test_the_host_is_named_as_names_are_resolved(address: str, host: str) -> None:
    assert Client(address)._service.headers["Host"] == host


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:8765", "ftp://a", "http://", "", "http://a b", "http://a..b", "http://a\x7f", "http://a/\ud800"],
    ids=["no-scheme", "ftp", "no-host", "nothing", "space", "no-label", "control", "surrogate"],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="write http://HOST:PORT"):
        Client(address)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    "arguments",
    [
        {"address": None},
        {"address": b"http://a"},
        {"token": b"a"},
        {"timeout": "5"},
        {"timeout": None},
        {"patience": True},
    ],
    ids=str,
)
def test_a_client_is_not_made_of_values_of_another_type(
    kind: type[Client | AsyncClient], arguments: dict[str, Any]
) -> None:
    with pytest.raises(TypeError, match="expected "):
        kind(**arguments)


@pytest.mark.parametrize(
    "arguments", [{"timeout": 0}, {"timeout": math.nan}, {"patience": -1}, {"patience": math.nan}], ids=str
)
def test_times_that_are_none_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="timeout must be"):
        Client(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"ignore_labels": "PER"},
        {"ignore_labels": b"PER"},
        {"ignore_labels": None},
        {"ignore_labels": [1]},
        {"min_score": "0.5"},
        {"min_score": None},
        {"min_score": True},
    ],
    ids=str,
)
def test_what_would_filter_nothing_or_something_else_is_refused_before_anything_is_sent(
    arguments: dict[str, Any],
) -> None:
    for client in (Client(), AsyncClient()):
        with pytest.raises(TypeError, match="expected "):
            client.batch([TEXT], **arguments)
        with pytest.raises(TypeError, match="expected "):
            entities(client, TEXT, **arguments)


@pytest.mark.parametrize("text", [None, 1, b"a", ["a"]], ids=str)
def test_what_is_no_text_is_refused(service: Running, text: Any) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(TypeError, match="expected one text as a str"):
            entities(kind(service.address), text)
        with pytest.raises(TypeError, match=r"^expected each text to be a str, but number 1 \(from 0\) is "):
            batch(kind(service.address), ["a", text])


def test_one_text_is_no_batch() -> None:
    for client in (Client(), AsyncClient()):
        with pytest.raises(TypeError, match="call the client itself for one text"):
            client.batch(TEXT)
        with pytest.raises(TypeError, match="expected an iterable of texts, got bytes"):
            client.batch(b"a")  # type: ignore[arg-type]


def test_parameters_are_those_of_each_request_of_a_batch(service: Running) -> None:
    with Client(service.address, timeout=math.inf) as client:
        found = list(client.batch([TEXT] * (GROUP.texts + 1), ignore_labels=iter(["PER"]), min_score=np.float32(0.01)))  # type: ignore[arg-type]
    assert {entity.label for entities in found for entity in entities} == {"ORG"}


@pytest.mark.parametrize("token", ["two words", "line\n", "汉字"])
def test_a_token_that_no_header_holds_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(UsageError) as refused:
        Client(token=token)
    assert token not in str(refused.value)
