"""Services over HTTP as processes of their own, and requests to them byte by byte."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import PACKAGES, TINY_BUNDLE

TEXT = "王小明在青山大学工作。"
"""A sentence in which the tiny model finds a person and an organization."""
TOKEN = "a-token-of-the-tests-0123456789"
LINES = b"POST /v1/lines HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
"""The head of a stream of lines."""
PATIENCE = 120
"""Seconds, for machines that are busy with something else."""


class Answer(NamedTuple):
    """An answer of a service."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Running:
    """A service that runs."""

    def __init__(self, process: subprocess.Popen[bytes], address: str, log: list[str]) -> None:
        self.process, self.address, self.log = process, address, log
        host, _, port = address.removeprefix("http://").rpartition(":")
        self.host, self.port = host.strip("[]"), int(port)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(line.decode())

    def ask(self, body: object, path: str = "/v1/ner", **headers: str) -> Answer:
        """Send a value as JSON and return the answer."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, content, {"Content-Type": "application/json", **headers})

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, None, headers)

    def request(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, fields, response.read())
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=PATIENCE)

    def metric(self, line: str) -> float:
        """Return the value of a sample, by its name and labels as they stand in the text."""
        for one in self.get("/metrics").body.decode().splitlines():
            name, _, value = one.rpartition(" ")
            if name == line:
                return float(value)
        return 0.0

    def end(self) -> str:
        """Let the service end as systemd does; return what it said."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.log
        self.read_to_the_end()
        return "".join(self.log)

    def read_to_the_end(self) -> None:
        """Wait until every process of the service has closed its standard error."""
        self._reader.join(PATIENCE)
        assert not self._reader.is_alive()


@contextmanager
def running(
    *options: str,
    model: Path | None = TINY_BUNDLE,
    program: Sequence[str] = ("-m", "edgener"),
    on_start: Callable[[int], None] | None = None,
    **environment: str,
) -> Iterator[Running]:
    """Start a service on a free port, wait until it is ready, and kill it in the end if it still runs.

    ``on_start`` is called with the number of its process while it starts.
    """
    command = [sys.executable, *program, "serve", *options]
    if not any(option == "--http" for option in options):
        command += ["--http", "127.0.0.1:0"]
    if model:
        command += ["--model", str(model)]
    env = {**os.environ, "PYTHONPATH": PACKAGES, "OMP_NUM_THREADS": "1", **environment}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=env) as process:
        try:
            if on_start:
                on_start(process.pid)
            assert process.stderr
            log: list[str] = []
            while not (found := re.search(r"answers on (http://[^\s\"]+)", log[-1] if log else "")):
                log.append(process.stderr.readline().decode())
                assert log[-1], log
            service = Running(process, found[1], log[:-1])
            try:
                yield service
            finally:
                process.kill()
                service.read_to_the_end()  # else the pipe would be closed under its reader
        finally:
            process.kill()


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """Return the status and the body of an answer with a Content-Length; status 0 where the connection ends first."""
    content = b""
    while True:
        head, separator, body = content.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        if separator and length and len(body) >= int(length[1]):
            return int(head.split()[1]), body
        try:
            block = connection.recv(1 << 16)
        except ConnectionError:
            return 0, content
        if not block:
            return 0, content
        content += block


def flood(connection: socket.socket, block: bytes, megabytes: int) -> None:
    """Send a block again and again."""
    for _ in range(megabytes * 1_000_000 // len(block)):
        connection.sendall(block)


def is_closed(connection: socket.socket) -> bool:
    """Read until the service closes the connection; return False where it does not within a timeout."""
    try:
        while connection.recv(1 << 16):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


def wait_until(what: object) -> None:
    """Wait until a function returns something true."""
    deadline = time.monotonic() + PATIENCE
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)
