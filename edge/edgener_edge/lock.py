"""The lock file: every package that goes into a build or tests it, by version and checksum.

It names no server: apt and pip, set up as on any machine, know where to ask; what they bring is taken only if its
SHA-256 is the pinned one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edgener.dataclass_json import RecordError, from_plain, to_plain
from edgener_edge.errors import LockError

FORMAT_VERSION = 3
LOCK_FILE = Path(__file__).parent / "lock.json"


@dataclass(frozen=True)
class Deb:
    """A Debian package."""

    name: str
    """Name without the architecture."""
    version: str
    """Version, with its epoch if it has one."""
    architecture: str
    """Debian's name of the architecture; ``all`` where the package holds no programs."""
    size: int
    """Size of the .deb in bytes."""
    sha256: str
    """SHA-256 of the .deb in hexadecimal."""

    @property
    def file_name(self) -> str:
        """The file name that apt gives to the downloaded package."""
        return f"{self.name}_{self.version.replace(':', '%3a')}_{self.architecture}.deb"


@dataclass(frozen=True)
class Wheel:
    """A Python package in its built form."""

    name: str
    """Name of the project."""
    version: str
    """Version of the release."""
    file_name: str
    """File name, with the tags of the interpreters and platforms that the wheel is for."""
    size: int
    """Size of the .whl in bytes."""
    sha256: str
    """SHA-256 of the .whl in hexadecimal."""


@dataclass(frozen=True)
class PlatformLock:
    """The packages that are pinned for one platform."""

    python: tuple[Deb, ...]
    """The interpreter, the libraries that it and the wheels are linked with, and the texts of the common licences."""
    wheels: tuple[Wheel, ...]
    """The Python packages that the runtime depends on."""
    signing_wheels: tuple[Wheel, ...]
    """The Python packages that builds with a trusted key carry besides."""
    http_wheels: tuple[Wheel, ...]
    """The Python packages that builds which serve HTTP carry besides."""
    kernel: Deb
    """The Linux kernel that a guest boots."""
    busybox: Deb
    """The shell and the tools of a guest."""


@dataclass(frozen=True)
class Lock:
    """The content of lock.json."""

    format_version: int
    """Version of the file format; must be FORMAT_VERSION."""
    release: str
    """Code name of the Debian release that the packages come from."""
    python: str
    """Major and minor version of the interpreter that builds carry."""
    date: str
    """Day of the lock as YYYY-MM-DD: the only date that gets into a build."""
    platforms: dict[str, PlatformLock]
    """Packages by the machine that they run on, as ``uname -m`` names it."""
    qemu_user: Deb
    """The emulator of single programs, for x86-64 hosts."""
    qemu_system: tuple[Deb, ...]
    """The emulator of whole machines with all of its libraries, for x86-64 hosts."""

    def packages_for(self, machine: str) -> PlatformLock:
        """The packages of the platform ``machine``; raises LockError where the lock has none."""
        try:
            return self.platforms[machine]
        except KeyError:
            raise LockError(f"the lock file pins nothing for {machine}; 'edgener-edge lock' writes it anew") from None

    def to_json(self) -> str:
        """The text of lock.json; the same lock always gives the same text."""
        return json.dumps(to_plain(self), indent=1) + "\n"


def day(date: str) -> datetime:
    """The first moment of a day that is named as YYYY-MM-DD; raises ValueError where ``date`` names none."""
    try:
        return datetime.strptime(date, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{date!r} is no date as YYYY-MM-DD") from None


def read_lock(path: Path = LOCK_FILE) -> Lock:
    """Read the lock file ``path``; raises LockError with the remedy where it cannot be used."""
    try:
        plain = json.loads(path.read_bytes())
        version = plain.get("format_version") if isinstance(plain, dict) else None
        if isinstance(version, int) and version != FORMAT_VERSION:
            raise LockError(
                f"{path}: has format version {version}, but this edgener-edge reads {FORMAT_VERSION}; "
                "'edgener-edge lock' writes it anew"
            )
        lock = from_plain(Lock, plain)
        day(lock.date)
    except OSError as error:
        raise LockError(f"{path}: cannot be read: {error.strerror}; 'edgener-edge lock' writes one") from error
    except (RecordError, ValueError, RecursionError) as error:
        raise LockError(f"{path}: {error}; 'edgener-edge lock' writes it anew") from error
    return lock
