"""The lock file: every package that goes into a build or tests it, by version and checksum.

It names no server: apt and pip, set up as on any machine, know where to ask; what they bring is taken only if its
SHA-256 is the pinned one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from edgener.dataclass_json import RecordError, from_plain, to_plain
from edgener_edge.errors import LockError

FORMAT_VERSION = 1
LOCK_FILE = Path(__file__).parent / "lock.json"
Item = TypeVar("Item")


@dataclass(frozen=True)
class Deb:
    """A Debian package."""

    name: str
    """Without the architecture."""
    version: str
    """With its epoch, if it has one."""
    architecture: str
    """``all`` where it holds no programs."""
    size: int
    """Bytes."""
    sha256: str
    """Of the .deb."""

    @property
    def file_name(self) -> str:
        """As apt names it."""
        return f"{self.name}_{self.version.replace(':', '%3a')}_{self.architecture}.deb"


@dataclass(frozen=True)
class Wheel:
    """A Python package in its built form."""

    name: str
    """Of the project."""
    version: str
    """Of the release."""
    file_name: str
    """With the tags of the interpreters and platforms that it is for."""
    size: int
    """Bytes."""
    sha256: str
    """Of the .whl."""


@dataclass(frozen=True)
class Lock:
    """lock.json."""

    format_version: int
    """See FORMAT_VERSION."""
    release: str
    """Code name of the Debian release that the packages are of."""
    python: str
    """Major and minor version of the interpreter that is carried."""
    date: str
    """Of the lock, as YYYY-MM-DD: the only date that gets into a build."""
    debs: dict[str, tuple[Deb, ...]]
    """By what they serve: ``python-aarch64``, ``qemu-user`` ..."""
    wheels: dict[str, tuple[Wheel, ...]]
    """By the machine that they run on; with ``sign-`` before, those that check signatures."""

    def debs_for(self, purpose: str) -> tuple[Deb, ...]:
        """The packages of one purpose; raises LockError where it has none."""
        return _entry(self.debs, purpose)

    def wheels_for(self, machine: str) -> tuple[Wheel, ...]:
        """The wheels of one machine; raises LockError where it has none."""
        return _entry(self.wheels, machine)

    def to_json(self) -> str:
        """The text of lock.json; the same lock always gives the same text."""
        return json.dumps(to_plain(self), indent=1) + "\n"


def read_lock(path: Path = LOCK_FILE) -> Lock:
    """The lock in ``path``; raises LockError with the remedy."""
    try:
        plain = json.loads(path.read_bytes())
        lock = from_plain(Lock, plain)
    except OSError as error:
        raise LockError(f"{path}: cannot be read: {error.strerror}; 'edgener-edge lock' writes one") from error
    except (RecordError, ValueError) as error:
        raise LockError(f"{path}: {error}; 'edgener-edge lock' writes it anew") from error
    if lock.format_version != FORMAT_VERSION:
        raise LockError(f"{path}: format version {lock.format_version}, expected {FORMAT_VERSION}")
    return lock


def _entry(groups: dict[str, tuple[Item, ...]], key: str) -> tuple[Item, ...]:
    try:
        return groups[key]
    except KeyError:
        raise LockError(f"the lock file has nothing for {key}; 'edgener-edge lock' writes it anew") from None
