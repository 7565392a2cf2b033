"""Builds without an interpreter: they start with the device's own, or say by name what is wrong with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgener import __version__
from edgener.bundle import load_bundle
from edgener_edge import device_folder
from edgener_edge.build import DEVICE as DEVICE_INTERPRETER
from edgener_edge.cli import main
from edgener_edge.devices import PLATFORMS
from edgener_edge.lock import Wheel, read_lock
from tests.edge.support import DEVICE, HOSTILE, make_files
from tests.support import TINY_BUNDLE

THIS_PYTHON = ".".join(map(str, sys.version_info[:2]))


def start(folder: Path, interpreter: str = sys.executable, **settings: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.defpath, "EDGENER_PYTHON": interpreter, **settings}
    return subprocess.run([folder / "edgener", "--version"], env=env, capture_output=True, text=True, check=False)


def make_device_folder(folder: Path, python: str = THIS_PYTHON, glibc: str = "2.17", machine: str = "") -> Path:
    folder.mkdir()
    platform = PLATFORMS[machine or DEVICE.platform.machine]
    device_folder.add_device_launcher(folder, platform, python, glibc, 1)
    device_folder.add_runtime(folder, load_bundle(TINY_BUNDLE), with_fp16=False)
    device_folder.set_modes(folder)
    return folder


@pytest.mark.parametrize("settings", [{}, {"PYTHONSAFEPATH": "1"}, HOSTILE], ids=["", "safe path", "hostile"])
def test_it_starts_with_an_interpreter_that_fits(tmp_path: Path, settings: dict[str, str]) -> None:
    finished = start(make_device_folder(tmp_path / "a b"), **settings)
    assert (finished.stdout, finished.stderr) == (f"edgener {__version__}\n", "")


def test_a_folder_whose_path_python_would_split_does_not_start(tmp_path: Path) -> None:
    folder = make_device_folder(tmp_path / "a:b")
    finished = start(folder)
    assert finished.returncode == 5
    assert finished.stderr == f"edgener: {folder}: a path with ':' cannot be used; move this folder\n"


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        ({"python": "3.99"}, "but the packages of this build are for CPython 3.99"),
        ({"glibc": "9.99"}, "need glibc 9.99 or newer"),
        ({"machine": next(name for name in PLATFORMS if name != DEVICE.platform.machine)}, "but this build is for"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, needs: dict[str, str], message: str) -> None:
    finished = start(make_device_folder(tmp_path / "folder", **needs))
    assert (finished.returncode, finished.stdout) == (5, "")
    first, remedy = finished.stderr.splitlines()
    assert first.startswith(f"edgener: {sys.executable}: it ")
    assert message in first
    assert "EDGENER_PYTHON=" in remedy


def test_a_missing_interpreter_is_named(tmp_path: Path) -> None:
    finished = start(make_device_folder(tmp_path / "folder"), "no-such-python3")
    assert finished.returncode == 5
    assert "no-such-python3: not found; install Python" in finished.stderr


def test_the_oldest_glibc_follows_from_the_wheels() -> None:
    def wheel(tags: str) -> Wheel:
        return Wheel("x", "1", f"x-1-cp311-cp311-{tags}.whl", 1, "")

    assert device_folder.needed_glibc([wheel("manylinux_2_27_aarch64.manylinux_2_28_aarch64"), wheel("any")]) == "2.27"
    assert device_folder.needed_glibc([wheel("manylinux2014_aarch64.manylinux_2_17_aarch64")]) == "2.17"
    assert device_folder.needed_glibc(read_lock().packages_for("aarch64").wheels) == "2.28"


def test_a_package_of_it_depends_on_the_interpreter_and_an_image_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, _ = make_files(tmp_path, interpreter=DEVICE_INTERPRETER, python="3.11", glibc="2.28")
    package = tmp_path / "edgener.deb"
    assert main(["pack", str(run), "--as", "deb", "--output", str(package)]) == 0
    field = subprocess.run(["dpkg-deb", "--field", package, "Depends"], check=True, capture_output=True, text=True)
    assert field.stdout == "python3 (>= 3.11), python3 (<< 3.12), libc6 (>= 2.28), libstdc++6\n"
    assert main(["pack", str(run), "--as", "oci", "--output", str(tmp_path / "image.tar")]) == 46
    assert "was built with --interpreter device" in capsys.readouterr().err
