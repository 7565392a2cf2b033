"""A folder as one file: .tar.gz, or .run that unpacks itself. The same folder always gives the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from edgener_edge.device_folder import ON_DEVICE, fill
from edgener_edge.devices import Device
from edgener_edge.errors import BuildError

STUB_SIZE = 4096
"""Bytes of the script before the payload of a .run."""
SHORT_DIGEST = 16
"""Characters of the payload's digest in the name of the unpacked folder."""
XZ_PRESET = 6
"""Unpacking needs 9 MB of memory; higher presets need up to 65 MB for 1% less."""
XZ_STREAM = 16 << 20
BLOCK = 1 << 20


def write_tar_gz(tar: Path, target: Path) -> None:
    """Compress a tar file as .tar.gz."""
    with _draft(target) as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as stream, tar.open("rb") as source:
        _copy(source, stream.write)


def write_run(tar: Path, device: Device, name: str, target: Path) -> None:
    """Compress a tar file, and put the script that unpacks and starts it in front."""
    payload = _xz(tar)
    with _draft(target) as file:
        file.write(_stub(device, name, hashlib.sha256(payload).hexdigest()))
        file.write(payload)
    target.chmod(0o755)


def write_tar(folder: Path, name: str, target: Path, time: int) -> None:
    """All of ``folder`` under the name ``name``: sorted, owned by root, every file of the same ``time`` (Unix)."""
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
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
                archive.addfile(member)


def _xz(tar: Path) -> bytes:
    """Streams of XZ_STREAM bytes each, one after the other, packed on all cores; the cores do not change the bytes."""
    size = tar.stat().st_size
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return b"".join(pool.map(partial(_xz_stream, tar), range(0, size, XZ_STREAM)))


def _xz_stream(tar: Path, start: int) -> bytes:
    with tar.open("rb") as file:
        file.seek(start)
        return lzma.compress(file.read(XZ_STREAM), preset=XZ_PRESET, check=lzma.CHECK_CRC32)


def _stub(device: Device, name: str, digest: str) -> bytes:
    text = fill((ON_DEVICE / "unpacker.sh").read_text(encoding="utf-8"), {
        "TITLE": device.title, "NAME": name, "MACHINE": device.platform.machine, "DIGEST": digest,
        "SHORT": digest[:SHORT_DIGEST], "OFFSET": str(STUB_SIZE + 1),
    })  # fmt: skip
    stub = text.encode()
    if len(stub) > STUB_SIZE:
        raise BuildError(f"the script of the .run has {len(stub)} bytes; it must fit into {STUB_SIZE}")
    return stub.ljust(STUB_SIZE, b"\n")


def _copy(source: BinaryIO, write: Callable[[bytes], object]) -> None:
    while block := source.read(BLOCK):
        write(block)


@contextmanager
def _draft(target: Path) -> Iterator[BinaryIO]:
    """A file that takes the name ``target`` when it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.draft")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
