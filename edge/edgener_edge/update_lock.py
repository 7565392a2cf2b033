"""Write a new lock file from what apt and pip offer today."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgener_edge.apt import AptRoot
from edgener_edge.cache import Log, fetch_wheels
from edgener_edge.devices import AVOIDED, PLATFORMS, X86_64, Platform
from edgener_edge.lock import FORMAT_VERSION, Lock, PlatformLock, Wheel

PYTHON = "3.11"
RELEASE = "bookworm"
PYTHON_PACKAGES = (
    "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libc6", "gcc-12-base", "libgcc-s1",
    "libstdc++6", "zlib1g", "libexpat1", "libffi8", "libbz2-1.0", "liblzma5", "libssl3", "base-files",
)  # fmt: skip
"""The interpreter, the libraries that it and the wheels are linked with, and the texts of the common licences."""
REQUIREMENTS = ("onnxruntime>=1.24", "numpy>=2", "tokenizers>=0.22,<0.24")
"""The dependencies of the runtime, as in pyproject.toml."""
SIGN_REQUIREMENTS = ("cryptography>=46", "cffi>=2", "pycparser>=2")
"""The extra ``sign`` with its own dependencies: builds with a trusted key carry these besides."""

HTTP_REQUIREMENTS = ("httptools>=0.9,<0.10",)
"""The extra ``serve``, which has no dependencies of its own: builds that serve HTTP carry these besides."""


def make_lock(apt: AptRoot, date: str, scratch: Path, log: Log) -> Lock:
    """Resolve everything that builds and their tests use. ``scratch`` is a directory on a disk with 200 MB to spare."""
    platforms = {platform.machine: _resolve_platform(apt, platform, scratch, log) for platform in PLATFORMS.values()}
    log("QEMU")
    (qemu_user,) = apt.resolve([f"qemu-user-static:{X86_64.debian}"], with_dependencies=False)
    names = [f"{name}:{X86_64.debian}" for name in ("qemu-system-arm", "qemu-system-x86")]
    qemu_system = apt.resolve(names, with_dependencies=True)
    return Lock(FORMAT_VERSION, RELEASE, PYTHON, date, platforms, qemu_user, qemu_system)


def _resolve_platform(apt: AptRoot, platform: Platform, scratch: Path, log: Log) -> PlatformLock:
    log(f"packages for {platform.machine}")
    arch = platform.debian
    python = apt.resolve([f"{name}:{arch}" for name in PYTHON_PACKAGES], with_dependencies=False)
    kernel_name = apt.dependency(f"linux-image-{arch}:{arch}", rf"linux-image-\S+-{arch}")
    (kernel,) = apt.resolve([f"{kernel_name}:{arch}"], with_dependencies=False)
    (busybox,) = apt.resolve([f"busybox-static:{arch}"], with_dependencies=False)
    wheels, signing_wheels, http_wheels = (
        _resolve_wheels(requirements, platform, scratch)
        for requirements in (REQUIREMENTS, SIGN_REQUIREMENTS, HTTP_REQUIREMENTS)
    )
    return PlatformLock(python, wheels, signing_wheels, http_wheels, kernel, busybox)


def _resolve_wheels(requirements: Sequence[str], platform: Platform, scratch: Path) -> tuple[Wheel, ...]:
    avoided = {name: "".join(f",!={version}" for version in versions) for name, versions in AVOIDED.items()}
    wanted = [requirement + avoided.get(requirement.split(">")[0], "") for requirement in requirements]
    with tempfile.TemporaryDirectory(dir=scratch) as draft:
        fetch_wheels(wanted, platform, PYTHON, Path(draft))
        return tuple(_describe(path) for path in sorted(Path(draft).glob("*.whl")))


def _describe(path: Path) -> Wheel:
    name, version = path.name.split("-")[:2]
    content = path.read_bytes()
    return Wheel(name, version, path.name, len(content), hashlib.sha256(content).hexdigest())
