"""Small made builds: a folder with a shell script in the place of the launcher, packed by the real archiver."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import edgener
from edgener.dataclass_json import to_plain
from edgener_edge import device_folder
from edgener_edge.archive import disk_usage, write_run, write_tar, write_tar_gz
from edgener_edge.build import BUILD_FILE, BuildRecord
from edgener_edge.devices import Device, find_device

NAME = "edgener-test"
TOOLS = (
    "chmod", "df", "find", "gzip", "id", "mkdir", "mktemp", "mv", "readlink", "rm", "rmdir", "sed", "sh", "sha256sum",
    "sync", "tail", "tar", "uname",
)  # fmt: skip
"""All programs that a .run may use; docs/devices.md names them."""
TIME = 1_700_000_000
HOSTILE = {"PYTHONHASHSEED": "abc", "PYTHONMALLOC": "none", "PYTHONPLATLIBDIR": "none", "PYTHONVERBOSE": "1"}
"""Settings with which Python would not start, or not be silent."""
DEVICE: Device = find_device("x86-64" if platform.machine() == "x86_64" else "aarch64")
"""One whose programs run on this machine."""


class Finished(NamedTuple):
    """The result of running a .run."""

    code: int
    output: str
    errors: str


def make_folder(directory: Path, **record_changes: object) -> Path:
    """A folder with what every build has; its launcher and its interpreter print their arguments."""
    folder = directory / NAME
    folder.mkdir(parents=True)
    (folder / "edgener").write_text('#!/bin/sh\necho "answer: $*"\n')
    (folder / "syslib").mkdir()
    (folder / "syslib/data").write_bytes(bytes(range(256)) * 4096)
    loader, libc = (Path("/lib", DEVICE.platform.triplet, name) for name in (DEVICE.platform.loader, "libc.so.6"))
    for library in (loader, libc):
        shutil.copyfile(library, folder / "syslib" / library.name)
    (folder / "bin").mkdir()
    shutil.copyfile("/bin/echo", folder / "bin/python3.11")
    record = BuildRecord(
        1, DEVICE.name, DEVICE.platform.machine, "3.11.2-6", edgener.__version__, "tiny", {}, "2026-01-01"
    )
    (folder / BUILD_FILE).write_text(json.dumps({**to_plain(record), **record_changes}))
    device_folder.set_modes(folder)
    device_folder.write_checksums(folder)
    return folder


def make_files(directory: Path, **record_changes: object) -> tuple[Path, Path]:
    """Pack a made folder as .run and as .tar.gz; returns their paths."""
    folder = make_folder(directory, **record_changes)
    tar, run, tar_gz = directory / "folder.tar", directory / "made.run", directory / "made.tar.gz"
    write_tar(folder, NAME, tar, TIME)
    write_tar_gz(tar, tar_gz)
    write_run(tar_gz, DEVICE, NAME, disk_usage(folder), run)
    return run, tar_gz


@contextmanager
def starting(run: Path, home: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a .run that unpacks into ``home``, with no other programs than TOOLS; the end of the block kills it."""
    with tempfile.TemporaryDirectory() as tools:
        for name in TOOLS:
            (Path(tools) / name).symlink_to(shutil.which(name) or f"{name} is not installed")
        process = subprocess.Popen(
            [run, *arguments],
            env={"PATH": tools, "EDGENER_DIR": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with process:
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def start(run: Path, home: Path, *arguments: str) -> Finished:
    """Run a .run, unpacking into ``home``, to its end."""
    with starting(run, home, *arguments) as process:
        output, errors = process.communicate()
    return Finished(process.returncode, output, errors)
