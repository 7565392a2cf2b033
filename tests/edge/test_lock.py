"""The pinned packages are complete, free of servers, and the same as what the project asks for."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from edgener_edge.apt import parse_sources, write_sources
from edgener_edge.devices import AVOIDED, DEVICES
from edgener_edge.errors import LockError
from edgener_edge.lock import LOCK_FILE, Deb, read_lock
from edgener_edge.update_lock import PYTHON_PACKAGES, REQUIREMENTS, SIGN_REQUIREMENTS

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
SOURCES = """\
Types: deb deb-src
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb-src
URIs: http://mirror.example/debian
Suites: bookworm
"""
LIST = """\
deb http://mirror.example/debian bookworm main
# deb http://mirror.example/debian sid main
deb [signed-by=/usr/share/keyrings/x.gpg arch=amd64] http://mirror.example/security bookworm-security/ main contrib
deb-src http://mirror.example/debian bookworm main
"""


def test_the_lock_file_is_complete_and_names_no_server() -> None:
    lock = read_lock()
    for device in DEVICES:
        names = {deb.name for deb in lock.debs_for(f"python-{device.platform.machine}")}
        assert names == set(PYTHON_PACKAGES)
        assert [wheel.name for wheel in lock.wheels_for(device.platform.machine)] == [
            "numpy", "onnxruntime", "tokenizers",
        ]  # fmt: skip
        signing = [wheel.name for wheel in lock.wheels_for(f"sign-{device.platform.machine}")]
        assert signing == ["cffi", "cryptography", "pycparser"]
    assert "://" not in LOCK_FILE.read_text()
    assert lock.to_json() == LOCK_FILE.read_text()


def test_no_avoided_version_is_pinned() -> None:
    for wheels in read_lock().wheels.values():
        for wheel in wheels:
            assert wheel.version not in AVOIDED.get(wheel.name, ())


def test_requirements_are_those_of_the_project() -> None:
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    assert sorted(REQUIREMENTS) == sorted(project["dependencies"])
    assert SIGN_REQUIREMENTS[0] in project["optional-dependencies"]["sign"]


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "Expecting"), ("{}", "format_version"), ("[]", "top level")],
)
def test_a_bad_lock_file_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "lock.json"
    path.write_text(content)
    with pytest.raises(LockError, match=message):
        read_lock(path)
    with pytest.raises(LockError, match="edgener-edge lock"):
        read_lock(tmp_path / "missing.json")


def test_another_format_and_a_missing_group(tmp_path: Path) -> None:
    path = tmp_path / "lock.json"
    path.write_text(json.dumps({**json.loads(LOCK_FILE.read_text()), "format_version": 2}))
    with pytest.raises(LockError, match="format version 2"):
        read_lock(path)
    with pytest.raises(LockError, match="nothing for python-riscv64"):
        replace(read_lock()).debs_for("python-riscv64")


def test_file_names_are_those_of_apt() -> None:
    deb = Deb("zlib1g", "1:1.2.13.dfsg-1", "arm64", 1, "")
    assert deb.file_name == "zlib1g_1%3a1.2.13.dfsg-1_arm64.deb"


def test_sources_of_an_earlier_call_are_not_asked_again(tmp_path: Path) -> None:
    for text in (SOURCES, LIST):
        write_sources(parse_sources(text), tmp_path)
    assert [path.read_text() for path in sorted(tmp_path.iterdir())] == [
        f"{line.text}\n" for line in parse_sources(LIST)
    ]


def test_sources_in_both_formats() -> None:
    (paragraph,) = parse_sources(SOURCES)
    assert paragraph.suites == ("bookworm", "bookworm-updates")
    assert "comment" not in paragraph.text
    lines = list(parse_sources(LIST))
    assert [line.suites for line in lines] == [("bookworm",), ("bookworm-security",)]
    assert lines[1].text.startswith("deb [signed-by")
