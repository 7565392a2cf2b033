"""The example client against a real service."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ROOT, TINY_BUNDLE

CLIENT = ROOT / "examples/client.py"
PATIENCE = 120
"""Seconds, for machines that are busy with something else."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """The socket of a service with the tiny model."""
    place = tmp_path / "ner.sock"
    command = [sys.executable, "-m", "edgener", "serve", "--socket", str(place), "--model", str(TINY_BUNDLE)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as service:
        try:
            while not place.exists():
                assert service.poll() is None
                time.sleep(0.05)
            yield place
            service.terminate()
            service.communicate(timeout=PATIENCE)
        finally:
            service.kill()


def test_a_line_of_600_kilobytes_is_sent_while_the_answers_are_read(place: Path) -> None:
    sentence = "王小明在青山大学工作。" + " " * 100
    long_line = sentence * (600_000 // len(sentence.encode()) + 1)
    content = "\n".join([long_line, "", sentence]).encode() + b"\n"
    command = [sys.executable, str(CLIENT), str(place)]
    finished = subprocess.run(command, input=content, capture_output=True, timeout=PATIENCE, check=True)
    expected = [
        f"{line} {start + offset} {end + offset} {name}"
        for line, text in ((1, long_line), (3, sentence))
        for offset in range(0, len(text), len(sentence))
        for start, end, name in ((0, 3, "PER 王小明"), (4, 8, "ORG 青山大学"))
    ]
    assert finished.stdout.decode().splitlines() == expected


def test_a_byte_that_is_not_utf_8_is_printed_as_it_is(place: Path) -> None:
    content = "王小明在青山".encode() + b"\xff" + "大学工作。".encode()
    command = [sys.executable, str(CLIENT), str(place)]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    finished = subprocess.run(
        command, input=content, capture_output=True, timeout=PATIENCE, check=True, env=environment
    )
    assert "ORG 青山\udcff大学" in finished.stdout.decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("answered", [0, 2])
def test_a_service_that_ends_early_is_told_in_one_line(tmp_path: Path, answered: int) -> None:
    place, lines = tmp_path / "ner.sock", tmp_path / "lines.txt"
    lines.write_bytes(b"\n" * 1_000_000)
    command = [sys.executable, str(CLIENT), str(place)]
    with socket.socket(socket.AF_UNIX) as listener, lines.open("rb") as source:
        listener.bind(str(place))
        listener.listen()
        with subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
            connection, _ = listener.accept()
            with connection:
                for line in range(1, answered + 1):
                    assert connection.recv(1) == b"\n"
                    connection.sendall(b'{"line": %d, "entities": []}\n' % line)
            output, message = client.communicate(timeout=PATIENCE)
    assert (client.returncode, output) == (1, b"")
    assert re.fullmatch(rf"the service answered {answered} of \d+ lines\n", message.decode())


def test_the_page_shows_the_example_as_it_is() -> None:
    page = (ROOT / "docs/devices.md").read_text(encoding="utf-8")
    assert f"```python\n{CLIENT.read_text(encoding='utf-8')}```\n" in page
