"""Programs out of Debian packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgener_edge.errors import ToolError
from edgener_edge.qemu_user import extract_from_deb
from edgener_edge.run_program import run_program


@pytest.fixture
def package(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN/control").write_text("Package: a\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n")
    for name, mode in (("program", 0o755), ("data", 0o644), ("more", 0o644)):
        (root / name).write_text(name)
        (root / name).chmod(mode)
    run_program(["dpkg-deb", "--root-owner-group", "--build", root, tmp_path / "a.deb"], "install dpkg")
    return tmp_path / "a.deb"


def test_files_are_extracted_with_their_permissions(package: Path, tmp_path: Path) -> None:
    targets = {"./program": tmp_path / "out/first", "./data": tmp_path / "out/second"}
    extract_from_deb(package, targets)
    found = {path.name: (path.read_text(), path.stat().st_mode & 0o777) for path in (tmp_path / "out").iterdir()}
    assert found == {"first": ("program", 0o755), "second": ("data", 0o644)}


def test_what_a_package_does_not_hold_is_named(package: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"a\.deb: holds no \./none"):
        extract_from_deb(package, {"./data": tmp_path / "data", "./none": tmp_path / "none"})
