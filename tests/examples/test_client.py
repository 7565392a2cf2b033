"""The example client against a real service."""

from __future__ import annotations

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


def test_the_page_shows_the_example_as_it_is() -> None:
    page = (ROOT / "docs/devices.md").read_text(encoding="utf-8")
    assert f"```python\n{CLIENT.read_text(encoding='utf-8')}```\n" in page
