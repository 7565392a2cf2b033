"""Pack a folder as one file: .tar.gz, or a .run that unpacks itself. The same folder always gives the same bytes.

A .run is a shell script of STUB_SIZE bytes followed by the .tar.gz. The payload is compressed by gzip and not by xz,
which would be a third smaller, because every system has gzip while many lack xz.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from edgener.errors import OutputError
from edgener.standard_streams import NO_ROOM
from edgener_edge.device_folder import ON_DEVICE, fill
from edgener_edge.devices import Device
from edgener_edge.errors import ArtifactError, BuildError, DeviceError, ToolError

STUB_SIZE = 4096
"""Size in bytes of the script before the payload of a .run."""
SHORT_DIGEST = 16
"""Number of characters of the payload's digest in the name of the unpacked folder."""
GZIP_LEVEL = 6
DIGEST_LINE = re.compile(rb"^digest=([0-9a-f]{64})$", re.M)
"""The line of the script that names the SHA-256 of the payload."""
DIRECTORY_MODE = 0o755
DISK_BLOCK = 4096
"""Size in bytes of the blocks in which common file systems give out space."""


def write_tar_gz(tar: Path, target: Path) -> None:
    """Compress a tar file as .tar.gz."""
    with draft_of(target) as draft, draft.open("wb") as file, _gzip_stream(file) as stream, tar.open("rb") as source:
        shutil.copyfileobj(source, stream)


def gzipped(content: bytes) -> bytes:
    """The same bytes for the same content, whichever Python compresses: gzip.compress names the system or does not."""
    buffer = io.BytesIO()
    with _gzip_stream(buffer) as stream:
        stream.write(content)
    return buffer.getvalue()


def _gzip_stream(target: IO[bytes]) -> gzip.GzipFile:
    return gzip.GzipFile("", "wb", GZIP_LEVEL, target, mtime=0)


def write_run(tar_gz: Path, device: Device, name: str, disk_bytes: int, target: Path) -> None:
    """Put the script that unpacks and starts the folder ``name`` in front of its .tar.gz.

    The script first checks that ``disk_bytes`` are free. Raises BuildError where it does not fit into STUB_SIZE.
    """
    with tar_gz.open("rb") as payload:
        digest = hashlib.file_digest(payload, "sha256").hexdigest()
    with draft_of(target) as draft, draft.open("wb") as file, tar_gz.open("rb") as payload:
        file.write(_stub(device, name, disk_bytes, digest))
        shutil.copyfileobj(payload, file)
    target.chmod(0o755)


def payload_digest(stub: bytes) -> str | None:
    """The SHA-256 of the payload that the script of a .run names; None where ``stub`` is no such script."""
    found = DIGEST_LINE.search(stub)
    return found.group(1).decode() if found else None


def disk_usage(folder: Path) -> int:
    """Space in bytes that the files and directories of ``folder`` take on a disk."""
    return sum(-(-max(path.stat().st_size, 1) // DISK_BLOCK) * DISK_BLOCK for path in folder.rglob("*"))


def write_tar(folder: Path, name: str, target: Path, time: int) -> None:
    """Pack all of ``folder`` under the path ``name``: sorted, owned by root, every file of the same ``time`` (Unix).

    Everybody may enter its directories. Those above ``name`` are in it, too: Docker makes those that a layer lacks for
    root alone.
    """
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
        for above in reversed(Path(name).parents[:-1]):
            member = tarfile.TarInfo(above.as_posix())
            member.type, member.mode, member.mtime = tarfile.DIRTYPE, DIRECTORY_MODE, time
            member.uname = member.gname = "root"
            archive.addfile(member)
        for path in [folder, *sorted(folder.rglob("*"))]:
            inside = Path(name) / path.relative_to(folder)
            member = archive.gettarinfo(path, inside.as_posix())
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            member.mtime = time
            if member.isreg():
                with path.open("rb") as file:
                    archive.addfile(member, file)
            else:
                if member.isdir():
                    member.mode = DIRECTORY_MODE
                archive.addfile(member)


def check_output(target: Path) -> None:
    """Raise OutputError where no file can be written as ``target``, before any work is done for it."""
    if os.path.isdir(target):  # noqa: PTH112 (a path that cannot be looked at is none)
        raise OutputError(f"{target}: is a directory; name a file in it")
    nearest = next(path for path in target.absolute().parents if os.path.exists(path))  # noqa: PTH110
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise OutputError(f"{target}: cannot be written in {nearest}; name another place")


@contextmanager
def draft_of(target: Path) -> Iterator[Path]:
    """Yield the path of a file that takes the name ``target`` when the block has ended, and is deleted if it fails.

    Raises OutputError where the disk is full.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.draft")
    try:
        yield draft
        draft.replace(target)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        told = f"cannot be written: {error.strerror}; free space, or name another place"
        raise OutputError(f"{target}: {told}") from error
    finally:
        draft.unlink(missing_ok=True)


def _stub(device: Device, name: str, disk_bytes: int, digest: str) -> bytes:
    text = fill((ON_DEVICE / "unpacker.sh").read_text(encoding="utf-8"), {
        "TITLE": device.title, "NAME": name, "MACHINE": device.platform.machine, "DIGEST": digest,
        "SHORT": digest[:SHORT_DIGEST], "OFFSET": str(STUB_SIZE + 1), "KILOBYTES": str(disk_bytes // 1024),
        "DEVICE_ERROR": str(DeviceError.exit_code), "TOOL_ERROR": str(ToolError.exit_code),
        "ARTIFACT_ERROR": str(ArtifactError.exit_code), "OUTPUT_ERROR": str(OutputError.exit_code),
    })  # fmt: skip
    stub = text.encode()
    if len(stub) > STUB_SIZE:
        raise BuildError(f"the script of the .run has {len(stub)} bytes; it must fit into {STUB_SIZE}")
    return stub.ljust(STUB_SIZE, b"\n")
