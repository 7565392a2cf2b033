"""Build the file that is copied to a device, from the lock file and a bundle."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import edgener
from edgener.bundle import Bundle, load_bundle
from edgener.dataclass_json import to_plain
from edgener.errors import UsageError
from edgener.minisign import PublicKey
from edgener_edge import archive, device_folder, licenses
from edgener_edge.cache import Cache, Log
from edgener_edge.devices import Device, host_platform
from edgener_edge.errors import BuildError, LockError
from edgener_edge.lock import Deb, Lock, Wheel, day

BUILD_FILE = "build.json"
FORMAT_VERSION = 1
HTTP_SERVER = "httptools"
"""The Python package that only builds which serve HTTP carry."""
OWN, DEVICE = "own", "device"
"""Whose interpreter and C library a build uses: OWN ones that it carries, or those of the DEVICE."""

SECONDS = re.compile(r"[0-9]{1,12}")
LAST_SECOND = 253402300799
"""The end of the year 9999, after which no date can be written."""


@dataclass(frozen=True)
class Order:
    """An order: the device, the model and the options of one build."""

    device: Device
    """The device to build for."""
    bundle: Path
    """Directory of the model."""
    key: PublicKey | None = None
    """The key that the device trusts: it then installs no model that this key did not sign."""
    interpreter: str = OWN
    """OWN or DEVICE."""
    http: bool = False
    """The build carries what ``edgener serve --http`` needs."""


@dataclass(frozen=True)
class Parts:
    """The pinned packages that one build is made from."""

    debs: tuple[Deb, ...]
    """The interpreter, the C library and the libraries; empty where the build uses the device's own."""
    common_licenses: Deb
    """The Debian package with the texts of the common licences."""
    wheels: tuple[Wheel, ...]
    """The Python packages."""
    python: str
    """Version of the interpreter that is carried; without one, major and minor version of what the device must have."""
    glibc: str
    """The oldest glibc that the device must have; empty where the build carries its own."""


@dataclass(frozen=True)
class BuildRecord:
    """The content of build.json in the folder: what it was built for and from."""

    format_version: int
    """Version of the file format: FORMAT_VERSION."""
    device: str
    """Name of the device."""
    machine: str
    """Platform of the programs, as ``uname -m`` names it."""
    python: str
    """Version of the interpreter, or what the device must have: see ``Parts.python``."""
    edgener: str
    """Version of the runtime."""
    model: str
    """Name of the model."""
    wheels: dict[str, str]
    """Version of each Python package by its name."""
    lock_date: str
    """Date of the lock file, as YYYY-MM-DD."""
    interpreter: str = OWN
    """OWN or DEVICE."""
    glibc: str = ""
    """The oldest glibc that the device must have: see ``Parts.glibc``."""

    @property
    def serves_http(self) -> bool:
        """True if the build carries what ``edgener serve --http`` needs."""
        return HTTP_SERVER in self.wheels


@dataclass(frozen=True)
class Build:
    """The files of a build."""

    run: Path
    """The file that unpacks itself."""
    tar_gz: Path
    """The same folder as an archive, for those who unpack it themselves."""
    folder_bytes: int
    """Size of the unpacked files in bytes."""


def build(order: Order, output: Path, lock: Lock, cache: Cache, log: Log) -> Build:
    """Build what is ordered: ``output``, a .run, and the .tar.gz next to it."""
    device = order.device
    if output.suffix != ".run":
        raise BuildError(f"{output}: the file of a build must end with .run")
    archive.check_output(output)
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
        archive.write_tar_gz(tar, tar_gz)
        archive.write_run(tar_gz, device, name, archive.disk_usage(folder), output)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Build(output, tar_gz, size)


def resolve(order: Order, lock: Lock) -> Parts:
    """Choose the packages of the lock file that a build is made from; raises LockError where it has none of them."""
    packages = lock.packages_for(order.device.platform.machine)
    wheels = packages.wheels
    wheels += packages.signing_wheels if order.key else ()
    wheels += packages.http_wheels if order.http else ()
    common_licenses = _named(packages.python, licenses.COMMON_PACKAGE)
    if order.interpreter == DEVICE:
        return Parts((), common_licenses, wheels, lock.python, device_folder.needed_glibc(wheels))
    interpreter = _named(packages.python, f"python{lock.python}-minimal")
    return Parts(packages.python, common_licenses, wheels, interpreter.version, "")


def fill_folder(folder: Path, order: Order, model: Bundle, lock: Lock, cache: Cache, log: Log) -> None:
    """Make the relocatable folder of a device."""
    from edgener_edge import sbom

    device, platform = order.device, order.device.platform
    parts = resolve(order, lock)
    deb_paths = cache.debs(parts.debs or [parts.common_licenses])
    wheel_paths = cache.wheels(parts.wheels, platform, lock.python)
    host = host_interpreter(lock, cache)
    log(f"building for {device.title}: {len(parts.debs)} packages, {len(parts.wheels)} wheels, {model.manifest.name}")
    folder.mkdir()
    with tempfile.TemporaryDirectory(dir=folder.parent) as root:
        device_folder.unpack_debs(deb_paths, Path(root))
        if order.interpreter == OWN:
            device_folder.add_interpreter(folder, Path(root), platform, lock.python, with_ssl=order.http)
            device_folder.add_launcher(folder, platform, lock.python, device.threads)
        else:
            device_folder.add_device_launcher(folder, platform, lock.python, parts.glibc, device.threads)
        device_folder.add_wheels(folder, wheel_paths)
        device_folder.add_runtime(folder, model, with_fp16=device.has_gpu)
        if order.key:
            device_folder.add_trusted_key(folder, order.key)
        device_folder.compile_sources(folder, host, host_platform(), lock.python)
        texts = licenses.third_party(parts.debs, Path(root), list(zip(parts.wheels, wheel_paths, strict=True)))
    (folder / licenses.FILE).write_text(texts, encoding="utf-8")
    bill = sbom.software_bill(
        folder.name, parts.debs, parts.wheels, model.manifest, lock.release, build_time(lock.date)
    )
    (folder / sbom.FILE).write_text(bill, encoding="utf-8")
    _write_record(folder, order, parts, model, lock.date)
    device_folder.set_modes(folder)
    device_folder.write_checksums(folder)


def host_interpreter(lock: Lock, cache: Cache) -> Path:
    """Unpack the pinned interpreter for this machine into the cache, once; the folder that holds it.

    Bytecode is compiled with it, so that it does not depend on the Python that builds.
    """
    platform = host_platform()
    debs = lock.packages_for(platform.machine).python
    digest = hashlib.sha256("".join(deb.sha256 for deb in debs).encode()).hexdigest()
    target = cache.directory / f"host-python-{digest[:16]}"
    if not target.exists():
        paths = cache.debs(debs)
        with tempfile.TemporaryDirectory(dir=cache.directory) as scratch:
            draft = Path(scratch) / "python"
            draft.mkdir()
            device_folder.unpack_debs(paths, Path(scratch) / "root")
            device_folder.add_interpreter(draft, Path(scratch) / "root", platform, lock.python)
            device_folder.set_modes(draft)
            _put_in_place(draft, target)
    return target


def build_time(date: str) -> int:
    """The time of every file of a build, in seconds since 1970: SOURCE_DATE_EPOCH if set, else the day of the lock.

    Raises UsageError where SOURCE_DATE_EPOCH is no such time.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if not given:
        return int(day(date).timestamp())
    if not SECONDS.fullmatch(given) or int(given) > LAST_SECOND:
        raise UsageError(f"SOURCE_DATE_EPOCH is {given!r}; give seconds since 1970, at most {LAST_SECOND}, or unset it")
    return int(given)


def _write_record(folder: Path, order: Order, parts: Parts, model: Bundle, lock_date: str) -> None:
    record = BuildRecord(
        format_version=FORMAT_VERSION,
        device=order.device.name,
        machine=order.device.platform.machine,
        python=parts.python,
        edgener=edgener.__version__,
        model=model.manifest.name,
        wheels={wheel.name: wheel.version for wheel in parts.wheels},
        lock_date=lock_date,
        interpreter=order.interpreter,
        glibc=parts.glibc,
    )
    (folder / BUILD_FILE).write_text(json.dumps(to_plain(record), indent=1) + "\n", encoding="utf-8")


def _named(debs: tuple[Deb, ...], name: str) -> Deb:
    """The package called ``name``; raises LockError where the lock file does not pin it."""
    for deb in debs:
        if deb.name == name:
            return deb
    raise LockError(f"the lock file does not pin {name}; 'edgener-edge lock' writes it anew")


def _put_in_place(draft: Path, target: Path) -> None:
    """Rename ``draft``, unless another process has put the same content there first."""
    try:
        draft.replace(target)
    except OSError:
        if not target.exists():
            raise
        shutil.rmtree(draft)
