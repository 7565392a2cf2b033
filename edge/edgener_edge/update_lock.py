"""A new lock file: what apt and pip offer today."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgener_edge.apt import AptRoot
from edgener_edge.cache import Log, fetch_wheels
from edgener_edge.devices import AVOIDED, PLATFORMS, X86_64, Platform
from edgener_edge.lock import FORMAT_VERSION, Deb, Lock, Wheel

PYTHON = "3.11"
RELEASE = "bookworm"
PYTHON_PACKAGES = (
    "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libc6", "gcc-12-base", "libgcc-s1",
    "libstdc++6", "zlib1g", "libexpat1", "libffi8", "libbz2-1.0", "liblzma5", "libssl3", "base-files",
)  # fmt: skip
"""The interpreter, the libraries that it and the wheels are linked with, and the texts of the common licences."""
REQUIREMENTS = ("onnxruntime>=1.24", "numpy>=2", "tokenizers>=0.22,<0.24")
"""What the runtime depends on; the same as in pyproject.toml."""
SIGN_REQUIREMENTS = ("cryptography>=46", "cffi>=2", "pycparser>=2")
"""What builds that check signatures carry besides: the extra ``sign``, with all that it needs."""


def make_lock(apt: AptRoot, date: str, scratch: Path, log: Log) -> Lock:
    """Resolve everything that builds and their tests use. ``scratch`` is a directory on a disk with 200 MB to spare."""
    debs: dict[str, tuple[Deb, ...]] = {}
    for platform in PLATFORMS.values():
        log(f"python for {platform.machine}")
        names = [f"{name}:{platform.debian}" for name in PYTHON_PACKAGES]
        debs[f"python-{platform.machine}"] = apt.resolve(names, with_dependencies=False)
    log("qemu and the kernel that it boots")
    debs["qemu-user"] = apt.resolve([f"qemu-user-static:{X86_64.debian}"], with_dependencies=False)
    names = [f"{name}:{X86_64.debian}" for name in ("qemu-system-arm", "qemu-system-x86")]
    debs["qemu-system"] = apt.resolve(names, with_dependencies=True)
    for platform in PLATFORMS.values():
        arch = platform.debian
        kernel = apt.dependency(f"linux-image-{arch}:{arch}", rf"linux-image-\S+-{arch}")
        names = [f"{kernel}:{arch}", f"busybox-static:{arch}"]
        debs[f"guest-{platform.machine}"] = apt.resolve(names, with_dependencies=False)
    wheels = {}
    for platform in PLATFORMS.values():
        log(f"wheels for {platform.machine}")
        with tempfile.TemporaryDirectory(dir=scratch) as draft:
            wheels[platform.machine] = _wheels(REQUIREMENTS, platform, Path(draft))
        with tempfile.TemporaryDirectory(dir=scratch) as draft:
            wheels[f"sign-{platform.machine}"] = _wheels(SIGN_REQUIREMENTS, platform, Path(draft))
    return Lock(FORMAT_VERSION, RELEASE, PYTHON, date, debs, wheels)


def _wheels(requirements: Sequence[str], platform: Platform, directory: Path) -> tuple[Wheel, ...]:
    avoided = {name: "".join(f",!={version}" for version in versions) for name, versions in AVOIDED.items()}
    wanted = [requirement + avoided.get(requirement.split(">")[0], "") for requirement in requirements]
    fetch_wheels(wanted, platform, PYTHON, directory)
    return tuple(_describe(path) for path in sorted(directory.glob("*.whl")))


def _describe(path: Path) -> Wheel:
    name, version = path.name.split("-")[:2]
    content = path.read_bytes()
    return Wheel(name, version, path.name, len(content), hashlib.sha256(content).hexdigest())
