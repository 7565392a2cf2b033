"""Lock file and bundle to the file that is copied to a device."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import edgener
from edgener.bundle import Bundle, load_bundle
from edgener.dataclass_json import to_plain
from edgener.minisign import PublicKey
from edgener_edge import archive, device_folder, licenses
from edgener_edge.cache import Cache, Log
from edgener_edge.devices import Device, host_platform
from edgener_edge.errors import BuildError
from edgener_edge.lock import Lock, Wheel

BUILD_FILE = "build.json"
OWN, DEVICE = "own", "device"
"""Whose interpreter and C library a build uses."""


@dataclass(frozen=True)
class Order:
    """What is to be built."""

    device: Device
    """For which."""
    bundle: Path
    """Directory of the model."""
    key: PublicKey | None = None
    """The device then installs no model that it did not sign."""
    interpreter: str = OWN
    """OWN or DEVICE."""


@dataclass(frozen=True)
class BuildRecord:
    """build.json, in the folder: what it was built for and from."""

    format_version: int
    """1."""
    device: str
    """Name of the device."""
    machine: str
    """Of its programs."""
    python: str
    """Version of the interpreter that is carried; without one, major and minor version of what the device must have."""
    edgener: str
    """Version of the runtime."""
    model: str
    """Name of the model."""
    wheels: dict[str, str]
    """Version of each Python package."""
    lock_date: str
    """Of the lock file."""
    interpreter: str = OWN
    """OWN or DEVICE."""
    glibc: str = ""
    """The oldest that the device must have, where it uses its own."""


@dataclass(frozen=True)
class Build:
    """Files of a build."""

    run: Path
    """Self-extracting."""
    tar_gz: Path
    """The same folder for those who unpack themselves."""
    folder_bytes: int
    """Of the unpacked files."""


def build(order: Order, output: Path, lock: Lock, cache: Cache, log: Log) -> Build:
    """Build what is ordered: ``output``, a .run, and the .tar.gz next to it."""
    device = order.device
    if output.suffix != ".run":
        raise BuildError(f"{output}: the file of a build must end with .run")
    name = f"edgener-{device.name}"
    model = load_bundle(order.bundle)
    time = build_time(lock.date)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=output.parent) as scratch:
        folder = Path(scratch) / name
        fill_folder(folder, order, model, lock, cache, log)
        log("packing")
        tar = Path(scratch) / "folder.tar"
        archive.write_tar(folder, name, tar, time)
        tar_gz = output.with_suffix(".tar.gz")
        with ThreadPoolExecutor() as pool:
            tasks = [
                pool.submit(archive.write_run, tar, device, name, output),
                pool.submit(archive.write_tar_gz, tar, tar_gz),
            ]
            for task in tasks:
                task.result()
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Build(output, tar_gz, size)


def fill_folder(folder: Path, order: Order, model: Bundle, lock: Lock, cache: Cache, log: Log) -> None:
    """Make the relocatable folder of a device."""
    from edgener_edge import sbom

    device, platform = order.device, order.device.platform
    wheels = wheels_of(order, lock)
    pinned = lock.debs_for(f"python-{platform.machine}")
    debs = pinned if order.interpreter == OWN else ()
    deb_paths = cache.debs(debs or [deb for deb in pinned if deb.name == licenses.COMMON_PACKAGE])
    wheel_paths = cache.wheels(wheels, platform, lock.python)
    host = host_interpreter(lock, cache)
    log(f"building for {device.title}: {len(debs)} packages, {len(wheels)} wheels, model {model.manifest.name}")
    folder.mkdir()
    with tempfile.TemporaryDirectory(dir=folder.parent) as root:
        device_folder.unpack_debs(deb_paths, Path(root))
        if order.interpreter == OWN:
            device_folder.add_interpreter(folder, Path(root), platform, lock.python)
            device_folder.add_launcher(folder, platform, lock.python, device.threads)
        else:
            glibc = device_folder.needed_glibc(wheels)
            device_folder.add_device_launcher(folder, platform, lock.python, glibc, device.threads)
        device_folder.add_wheels(folder, wheel_paths)
        device_folder.add_runtime(folder, model, with_fp16=device.has_gpu)
        if order.key:
            device_folder.add_trusted_key(folder, order.key)
        device_folder.compile_sources(folder, host, host_platform(), lock.python)
        texts = licenses.third_party(debs, Path(root), list(zip(wheels, wheel_paths, strict=True)))
    (folder / licenses.FILE).write_text(texts, encoding="utf-8")
    bill = sbom.software_bill(folder.name, debs, wheels, model.manifest, lock.release, build_time(lock.date))
    (folder / sbom.FILE).write_text(bill, encoding="utf-8")
    _write_record(folder, order, model, lock)
    device_folder.set_modes(folder)
    device_folder.write_checksums(folder)
    (folder / device_folder.CHECKSUMS).chmod(0o644)


def wheels_of(order: Order, lock: Lock) -> tuple[Wheel, ...]:
    """The Python packages of a build."""
    machine = order.device.platform.machine
    return lock.wheels_for(machine) + (lock.wheels_for(f"sign-{machine}") if order.key else ())


def host_interpreter(lock: Lock, cache: Cache) -> Path:
    """The pinned interpreter for this machine, unpacked once: bytecode must not depend on the Python that builds."""
    platform = host_platform()
    debs = lock.debs_for(f"python-{platform.machine}")
    digest = hashlib.sha256("".join(deb.sha256 for deb in debs).encode()).hexdigest()
    target = cache.directory / f"host-python-{digest[:16]}"
    if not target.exists():
        paths = cache.of_python(lock, platform)
        with tempfile.TemporaryDirectory(dir=cache.directory) as scratch:
            draft = Path(scratch) / "python"
            draft.mkdir()
            device_folder.unpack_debs(paths, Path(scratch) / "root")
            device_folder.add_interpreter(draft, Path(scratch) / "root", platform, lock.python)
            device_folder.set_modes(draft)
            _put_in_place(draft, target)
    return target


def build_time(date: str) -> int:
    """The one time in a build, in seconds since 1970: SOURCE_DATE_EPOCH where it is set, else the day of the lock."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    return int(given) if given else int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp())


def _write_record(folder: Path, order: Order, model: Bundle, lock: Lock) -> None:
    device = order.device
    python = next(deb for deb in lock.debs_for(f"python-{device.platform.machine}") if "python3" in deb.name)
    is_own = order.interpreter == OWN
    record = BuildRecord(
        format_version=1,
        device=device.name,
        machine=device.platform.machine,
        python=python.version if is_own else lock.python,
        edgener=edgener.__version__,
        model=model.manifest.name,
        wheels={wheel.name: wheel.version for wheel in wheels_of(order, lock)},
        lock_date=lock.date,
        interpreter=order.interpreter,
        glibc="" if is_own else device_folder.needed_glibc(wheels_of(order, lock)),
    )
    (folder / BUILD_FILE).write_text(json.dumps(to_plain(record), indent=1) + "\n", encoding="utf-8")


def _put_in_place(draft: Path, target: Path) -> None:
    """Rename; another process may have been faster, with the same content."""
    try:
        draft.replace(target)
    except OSError:
        if not target.exists():
            raise
        shutil.rmtree(draft)
