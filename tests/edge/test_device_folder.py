"""The contents of a device folder: what goes into it, and what is left out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edgener import __version__
from edgener.bundle import FP16_FILES, MANIFEST, describe_file, load_bundle
from edgener.doctor import CHECKSUMS
from edgener.minisign import SecretKey
from edgener.signing import trusted_key
from edgener_edge import device_folder
from edgener_edge.build import Order, resolve
from edgener_edge.cpio import initramfs
from edgener_edge.devices import DEVICES, X86_64, Device, find_device
from edgener_edge.errors import DeviceError
from edgener_edge.lock import read_lock
from edgener_edge.sbom import software_bill
from tests.edge.support import HOSTILE
from tests.support import TINY_BUNDLE, change_manifest, read_manifest


@pytest.mark.parametrize(
    ("name", "is_pruned"),
    [
        ("numpy/_core/tests/test_array.py", True),
        ("numpy/tests", True),
        ("numpy/testing/__init__.py", False),
        ("numpy/__init__.pyi", True),
        ("onnxruntime/capi/libonnxruntime.so.1.31.1", True),
        ("onnxruntime/capi/libonnxruntime_providers_shared.so", False),
        ("onnxruntime/tools/x/y.py", True),
        ("numpy-2.4.6.dist-info/RECORD", True),
        ("numpy-2.4.6.dist-info/METADATA", False),
        ("numpy-2.4.6.dist-info/licenses/LICENSE.txt", False),
    ],
)
def test_pruning(name: str, is_pruned: bool) -> None:
    assert device_folder.is_pruned(name, device_folder.PRUNED_WHEELS) == is_pruned


def test_wheels_are_unpacked_without_what_is_pruned(tmp_path: Path) -> None:
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("numpy/__init__.py", "")
        archive.writestr("numpy/f2py/__init__.py", "")
    device_folder.add_wheels(tmp_path, [wheel])
    assert [path.name for path in (tmp_path / "site/numpy").iterdir()] == ["__init__.py"]


def test_runtime_and_model(tmp_path: Path) -> None:
    device_folder.add_runtime(tmp_path, load_bundle(TINY_BUNDLE), with_fp16=False)
    assert load_bundle(tmp_path / device_folder.MODEL).manifest == load_bundle(TINY_BUNDLE).manifest
    assert [path.parent.name for path in tmp_path.rglob(MANIFEST)] == ["default"], (
        "the chosen model, not the built-in one as well"
    )
    assert (tmp_path / "site/edgener/cli.py").exists()
    assert not list(tmp_path.rglob("__pycache__"))


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_only_a_jetson_carries_the_graph_for_gpus(tmp_path: Path, bundle: Path, device: Device) -> None:
    for name in FP16_FILES:
        (bundle / name).write_bytes(b"for GPUs")
    added = {name: describe_file(bundle / name) for name in FP16_FILES}
    change_manifest(bundle, files={**read_manifest(bundle).files, **added})
    device_folder.add_runtime(tmp_path, load_bundle(bundle), with_fp16=device.has_gpu)
    carried = load_bundle(tmp_path / device_folder.MODEL)
    assert set(FP16_FILES) & carried.manifest.files.keys() == (set(FP16_FILES) if "jetson" in device.name else set())
    assert {path.name for path in carried.directory.iterdir()} == {MANIFEST, *carried.manifest.files}


def test_the_manifest_of_a_model_with_one_graph_is_carried_as_it_is(tmp_path: Path) -> None:
    device_folder.add_runtime(tmp_path, load_bundle(TINY_BUNDLE), with_fp16=False)
    assert (tmp_path / device_folder.MODEL / MANIFEST).read_bytes() == (TINY_BUNDLE / MANIFEST).read_bytes()


def test_a_build_with_a_key_carries_the_key_and_what_checks_with_it(tmp_path: Path) -> None:
    key, lock = SecretKey.generate().public(), read_lock()
    device_folder.add_trusted_key(tmp_path, key)
    assert trusted_key(tmp_path) == key
    orders = [Order(find_device("pi4"), TINY_BUNDLE, key) for key in (None, key)]
    plain, signed = ({wheel.name for wheel in resolve(order, lock).wheels} for order in orders)
    assert signed - plain == {"cffi", "cryptography", "pycparser"}


def test_launcher_is_a_valid_script(tmp_path: Path) -> None:
    device_folder.add_launcher(tmp_path, X86_64, "3.11", 4)
    text = (tmp_path / "edgener").read_text()
    assert "@" not in text.replace('"$@"', "")
    subprocess.run(["sh", "-n", tmp_path / "edgener"], check=True)


def test_no_python_file_of_the_present_directory_runs_and_no_setting_of_pythons_counts(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "build", tmp_path / "elsewhere"
    folder.mkdir()
    device_folder.add_launcher(folder, X86_64, "3.11", 1)
    device_folder.add_runtime(folder, load_bundle(TINY_BUNDLE), with_fp16=False)
    (folder / "syslib").mkdir()
    (folder / "bin").mkdir()
    (folder / "syslib" / X86_64.loader).write_text('#!/bin/sh\nshift 2\nexec "$@"\n')
    # The standard library of the tests' interpreter is where that was installed.
    (folder / "bin/python3.11").write_text(f'#!/bin/sh\nunset PYTHONHOME\nexec {sys.executable} "$@"\n')
    device_folder.set_modes(folder)
    elsewhere.mkdir()
    (elsewhere / "json.py").write_text("raise SystemExit('a stranger ran')")
    env = {**os.environ, **HOSTILE}
    finished = subprocess.run(
        [folder / "edgener", "--version"], cwd=elsewhere, env=env, capture_output=True, check=False
    )
    assert (finished.stdout, finished.stderr) == (f"edgener {__version__}\n".encode(), b"")


@pytest.mark.parametrize("name", ["a:b", "a;b", "a$b"])
def test_a_folder_where_the_loader_would_read_other_paths_does_not_start(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    device_folder.add_launcher(folder, X86_64, "3.11", 1)
    finished = subprocess.run(["sh", folder / "edgener"], capture_output=True, text=True, check=False)
    assert finished.returncode == 5
    assert finished.stderr == f"edgener: {folder}: a path with ':', ';' or '$' cannot be used; move this folder\n"


def test_checksums_are_those_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/file").write_text("x")
    device_folder.write_checksums(tmp_path)
    subprocess.run(["sha256sum", "--check", "--strict", CHECKSUMS], cwd=tmp_path, check=True, capture_output=True)


def test_software_bill_is_reproducible_and_complete() -> None:
    lock, model = read_lock(), load_bundle(TINY_BUNDLE).manifest
    packages = lock.packages_for("aarch64")
    debs, wheels = packages.python, packages.wheels
    texts = [software_bill("edgener-pi4", debs, wheels, model, lock.release, 0) for _ in range(2)]
    assert texts[0] == texts[1]
    bill = json.loads(texts[0])
    digests = {part["hashes"][0]["content"] for part in bill["components"]}
    assert digests == {deb.sha256 for deb in debs} | {wheel.sha256 for wheel in wheels} | {
        model.files["model.onnx"].sha256
    }


def test_devices_are_found_by_name() -> None:
    assert len({device.name for device in DEVICES}) == len(DEVICES)
    assert find_device("pi4").qemu_cpu == "cortex-a72"
    with pytest.raises(DeviceError, match="pi9: no such device; known: pi3, pi4"):
        find_device("pi9")


def test_initramfs_has_the_format_that_linux_reads() -> None:
    archive = initramfs({"init": b"abc"}, ("bin",))
    names = []
    position = 0
    while position < len(archive):
        assert archive[position : position + 6] == b"070701"
        fields = [int(archive[position + 6 + 8 * index : position + 14 + 8 * index], 16) for index in range(13)]
        size, name_size = fields[6], fields[11]
        names.append(archive[position + 110 : position + 110 + name_size - 1].decode())
        position += 110 + name_size
        position += -position % 4 + size
        position += -position % 4
    assert names == ["bin", "init", "TRAILER!!!"]
