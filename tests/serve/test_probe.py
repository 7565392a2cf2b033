"""The health check of a container says whether the service answers, and why not."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from edgener.serve.probe import trouble_of
from tests.serve.servers import Running


def test_a_service_that_is_ready_is_well(service: Running) -> None:
    assert trouble_of(f"{service.address}/ready") == ""


def test_a_service_without_a_path_is_asked_for_its_page(service: Running) -> None:
    assert trouble_of(service.address) == ""


def test_another_status_than_200_is_told(service: Running) -> None:
    assert trouble_of(f"{service.address}/no-such-path") == f"{service.address}/no-such-path: answers with 404"


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/ready"
    assert "refused" in trouble_of(url)


@pytest.mark.parametrize("url", ["", "localhost:8765", "https://localhost/ready", "http:///ready"])
def test_another_kind_of_url_is_told(url: str) -> None:
    assert trouble_of(url) == f"{url}: is not http://HOST:PORT/PATH"


def test_a_port_that_is_none_is_told() -> None:
    assert trouble_of("http://127.0.0.1:99999/ready").startswith("http://127.0.0.1:99999/ready: Port out of range")


def test_a_bare_line_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-m", "edgener.serve.probe", f"http://127.0.0.1:{listener.getsockname()[1]}/ready"]
        listener.settimeout(60)
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"no HTTP\r\n\r\n")
            assert process.stderr
            assert "no HTTP" in process.stderr.read()
        assert process.returncode == 1
