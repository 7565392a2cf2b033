"""A package index that is a folder: pip is real, the wheels in it are not the published ones."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from edgener_export.wheel import WheelFile


def offer(folder: Path, file: WheelFile, content: bytes, monkeypatch: pytest.MonkeyPatch) -> WheelFile:
    """Let pip see nothing but a wheel named like the pinned one, in ``folder``, with other content; its pins."""
    folder.mkdir()
    name, version = file.requirement.split("==")
    tag = f"py3-none-{file.platform or 'any'}"
    wheel = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(file.member, content)
        directory = f"{name}-{version}.dist-info"
        archive.writestr(f"{directory}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{directory}/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
        archive.writestr(f"{directory}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return replace(
        file,
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        member_sha256=hashlib.sha256(content).hexdigest(),
    )
