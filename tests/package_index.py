"""A package index that is a folder: pip is real, the wheels in it are not the published ones."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest


def write_wheel(folder: Path, name: str, version: str, platform: str, member: str, content: bytes) -> Path:
    """A wheel for any Python, which holds one file."""
    tag = f"py3-none-{platform}"
    wheel = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(member, content)
        directory = f"{name}-{version}.dist-info"
        archive.writestr(f"{directory}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{directory}/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
        archive.writestr(f"{directory}/RECORD", "")
    return wheel


def offer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip see nothing but the wheels in a folder."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
