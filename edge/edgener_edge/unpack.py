"""Unpack a .run or .tar.gz on the host and check every byte of it."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from edgener.bundle import describe_file
from edgener.dataclass_json import RecordError, from_plain
from edgener.doctor import CHECKSUMS
from edgener.errors import OutputError
from edgener.standard_streams import NO_ROOM
from edgener_edge.archive import STUB_SIZE, payload_digest
from edgener_edge.build import BUILD_FILE, FORMAT_VERSION, OWN, BuildRecord
from edgener_edge.device_folder import MODEL
from edgener_edge.devices import PLATFORMS, Platform
from edgener_edge.errors import ArtifactError, BuildError
from edgener_edge.lock import day

VERSION = re.compile(r"[0-9]+\.[0-9]+(\.\S*)?")
HOW_TO_BUILD = "'edgener-edge build' makes one"


@dataclass(frozen=True)
class Artifact:
    """An unpacked build whose files all have the checksums that they were built with."""

    folder: Path
    """Directory that holds the unpacked files."""
    record: BuildRecord
    """The record of what it was built for and from."""

    @property
    def platform(self) -> Platform:
        """The platform that its programs run on."""
        return PLATFORMS[self.record.machine]

    @property
    def model(self) -> Path:
        """Directory of the model that the build carries."""
        return self.folder / MODEL

    @property
    def python(self) -> str:
        """Major and minor version of its interpreter; raises BuildError where it brings none."""
        if self.record.interpreter != OWN:
            raise BuildError(
                f"{self.folder.name}: was built with --interpreter {self.record.interpreter}; only a build that brings "
                "its own interpreter runs here"
            )
        return ".".join(self.record.python.split(".")[:2])


def unpack(file: Path, directory: Path) -> Artifact:
    """Unpack ``file`` into ``directory``; raises ArtifactError where a byte of it is not as it was built."""
    if file.is_dir():
        raise ArtifactError(f"{file}: is a directory, and no device build; {HOW_TO_BUILD}")
    try:
        with file.open("rb") as stream:
            if not file.name.endswith(".tar.gz"):
                _check_payload(file, stream)
                stream.seek(STUB_SIZE)
            with gzip.GzipFile(fileobj=stream) as tar:
                _extract(cast("IO[bytes]", tar), directory)
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise ArtifactError(f"{file}: is no device build, or a damaged one ({error}); build it again") from error
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise OutputError(
            f"{directory}: cannot be unpacked into: {error.strerror}; name a roomier place: TMPDIR=/some/where"
        ) from error
    folders = [path for path in directory.iterdir() if (path / BUILD_FILE).is_file()]
    if len(folders) != 1:
        raise ArtifactError(f"{file}: is no device build; {HOW_TO_BUILD}")
    check_files(folders[0], file)
    try:
        record = from_plain(BuildRecord, json.loads((folders[0] / BUILD_FILE).read_bytes()))
        _check_record(record)
    except (RecordError, ValueError, RecursionError) as error:
        raise ArtifactError(f"{file}: {BUILD_FILE}: {error}; another edgener-edge built it: build it again") from error
    if record.machine not in PLATFORMS:
        raise ArtifactError(f"{file}: is built for {record.machine}, which this version does not know")
    return Artifact(folders[0], record)


def check_files(folder: Path, file: Path) -> None:
    """Compare all files of an unpacked build with its list of checksums; raises ArtifactError with the first wrong one.

    ``file`` is where the folder came from, for the message.
    """
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ArtifactError(f"{file}: has no {CHECKSUMS}; build it again") from error
    except ValueError as error:
        raise ArtifactError(f"{file}: {CHECKSUMS} is not UTF-8; build it again") from error
    expected = {}
    for number, line in enumerate(lines, 1):
        digest, separator, name = line.partition("  ")
        if not separator:
            raise ArtifactError(f"{file}: {CHECKSUMS}: line {number} is no checksum and name; build it again")
        expected[name] = digest
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    del found[CHECKSUMS]
    for name in sorted(expected.keys() ^ found.keys()):
        raise ArtifactError(
            f"{file}: {name} is {'missing' if name in expected else 'not a part of it'}; build it again"
        )
    for name, path in found.items():
        if describe_file(path).sha256 != expected[name]:
            raise ArtifactError(f"{file}: {name} is not as it was built; build it again")


def _check_record(record: BuildRecord) -> None:
    """Raise ValueError where a field holds what no build has."""
    if record.format_version != FORMAT_VERSION:
        raise ValueError(f"has format version {record.format_version}, but this edgener-edge reads {FORMAT_VERSION}")
    day(record.lock_date)
    if not VERSION.fullmatch(record.python):
        raise ValueError(f"python is {record.python!r}, and no version such as 3.11")


def _check_payload(file: Path, stream: IO[bytes]) -> None:
    named = payload_digest(stream.read(STUB_SIZE))
    if named is None:
        raise ArtifactError(f"{file}: is no device build; {HOW_TO_BUILD}")
    if hashlib.file_digest(stream, "sha256").hexdigest() != named:  # type: ignore[arg-type]
        raise ArtifactError(f"{file}: is damaged or was changed (its checksum differs); build it again")


def _extract(tar: IO[bytes], directory: Path) -> None:
    with tarfile.open(fileobj=tar, mode="r|") as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Debian 12's Python has none
        archive.extractall(directory)
