"""The pinned packages are complete, free of servers, and the same as what the project asks for."""

from __future__ import annotations

import importlib.metadata
import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from edgener_edge.apt import parse_sources, write_sources
from edgener_edge.build import DEVICE, OWN, Order, resolve
from edgener_edge.devices import AVOIDED, DEVICES, find_device
from edgener_edge.errors import LockError
from edgener_edge.lock import FORMAT_VERSION, LOCK_FILE, Deb, read_lock
from edgener_edge.update_lock import HTTP_REQUIREMENTS, PYTHON, PYTHON_PACKAGES, REQUIREMENTS, SIGN_REQUIREMENTS
from tests.support import TINY_BUNDLE

HTTP_NAMES = {re.split("[><=]", requirement)[0].replace("_", "-") for requirement in HTTP_REQUIREMENTS}
"""Packages that builds which serve HTTP carry besides."""
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
\t deb http://mirror.example/debian bookworm-updates main
"""


def test_the_lock_file_is_complete_and_names_no_server() -> None:
    lock = read_lock()
    for device in DEVICES:
        packages = lock.packages_for(device.platform.machine)
        assert {deb.name for deb in packages.python} == set(PYTHON_PACKAGES)
        assert [wheel.name for wheel in packages.wheels] == ["numpy", "onnxruntime", "tokenizers"]
        assert [wheel.name for wheel in packages.signing_wheels] == ["cffi", "cryptography", "pycparser"]
        assert {wheel.name.replace("_", "-") for wheel in packages.http_wheels} == HTTP_NAMES
    assert "://" not in LOCK_FILE.read_text()
    assert lock.to_json() == LOCK_FILE.read_text()


def test_no_avoided_version_is_pinned() -> None:
    for packages in read_lock().platforms.values():
        for wheel in packages.wheels:
            assert wheel.version not in AVOIDED.get(wheel.name, ())


def test_requirements_are_those_of_the_project() -> None:
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    assert sorted(REQUIREMENTS) == sorted(project["dependencies"])
    assert SIGN_REQUIREMENTS[0] in project["optional-dependencies"]["sign"]
    assert set(project["optional-dependencies"]["serve"]) <= set(HTTP_REQUIREMENTS)


def test_builds_that_serve_http_carry_all_that_the_packages_for_it_require() -> None:
    """Follow the requirements of the installed packages, as they are for the Python of builds."""
    wanted, seen = ["httptools"], set()
    environment = {"extra": "", "python_version": PYTHON}
    while wanted:
        name = wanted.pop()
        seen.add(name)
        requirements = [Requirement(text) for text in importlib.metadata.requires(name) or []]
        needed = [it.name for it in requirements if not it.marker or it.marker.evaluate(environment)]
        wanted += [name for name in needed if name not in seen]
    assert {name.replace("_", "-") for name in seen} <= HTTP_NAMES


def test_only_a_build_that_serves_http_carries_what_that_needs() -> None:
    lock = read_lock()
    plain, http = (resolve(Order(find_device("pi4"), TINY_BUNDLE, http=http), lock) for http in (False, True))
    assert set(http.wheels) - set(plain.wheels) == set(lock.packages_for("aarch64").http_wheels)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "Expecting"),
        ("{}", "format_version"),
        ("[]", "top level"),
        (replace(read_lock(), date="soon").to_json(), "'soon' is no date as YYYY-MM-DD"),
        ("[" * 200_000, "recursion"),
    ],
    ids=["no JSON", "empty", "a list", "no date", "nested"],
)
def test_a_bad_lock_file_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "lock.json"
    path.write_text(content)
    with pytest.raises(LockError, match=message):
        read_lock(path)
    with pytest.raises(LockError, match="edgener-edge lock"):
        read_lock(tmp_path / "missing.json")


@pytest.mark.parametrize("content", [{"format_version": 1, "debs": {}}, {"format_version": FORMAT_VERSION + 1}])
def test_a_lock_file_of_another_format_is_named_with_the_remedy(tmp_path: Path, content: dict[str, object]) -> None:
    path = tmp_path / "lock.json"
    path.write_text(json.dumps(content))
    with pytest.raises(LockError, match=rf"format version {content['format_version']}, .*'edgener-edge lock'"):
        read_lock(path)


def test_a_platform_and_a_package_that_are_not_pinned_are_named() -> None:
    lock = read_lock()
    with pytest.raises(LockError, match="nothing for riscv64"):
        lock.packages_for("riscv64")
    packages = lock.packages_for("aarch64")
    for name in ("python3.11-minimal", "base-files"):
        others = tuple(deb for deb in packages.python if deb.name != name)
        without = replace(lock, platforms={"aarch64": replace(packages, python=others)})
        with pytest.raises(LockError, match=f"does not pin {name}"):
            resolve(Order(find_device("pi4"), TINY_BUNDLE), without)


@pytest.mark.parametrize(
    ("interpreter", "python", "glibc", "carries_interpreter"),
    [(OWN, "3.11.2", "", True), (DEVICE, "3.11", "2.28", False)],
)
def test_a_build_carries_the_interpreter_or_says_what_the_device_must_have(
    interpreter: str, python: str, glibc: str, carries_interpreter: bool
) -> None:
    parts = resolve(Order(find_device("pi4"), TINY_BUNDLE, interpreter=interpreter), read_lock())
    assert parts.python.startswith(python)
    assert parts.glibc == glibc
    assert ("python3.11-minimal" in {deb.name for deb in parts.debs}) == carries_interpreter
    assert parts.common_licenses.name == "base-files"


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
    assert [line.suites for line in lines] == [("bookworm",), ("bookworm-security",), ("bookworm-updates",)]
    assert lines[1].text.startswith("deb [signed-by")
