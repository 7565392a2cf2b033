"""Pack a build as a Debian package: the folder in /opt/edgener, the command ``edgener``, the units of the service."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from edgener.bundle import describe_file
from edgener.doctor import CHECKSUMS
from edgener_edge.archive import draft_of
from edgener_edge.build import DEVICE, BuildRecord
from edgener_edge.device_folder import ON_DEVICE, copy_folder
from edgener_edge.run_program import run_program
from edgener_edge.unpack import Artifact

CONTROL = """\
Package: edgener
Version: {version}
Architecture: {architecture}
Maintainer: the edgener project
Section: text
Priority: optional
Installed-Size: {kilobytes}
{depends}Description: Chinese named-entity recognition
 Finds people, places and organizations in Chinese text. Built for {device},
 with the model {model}. Needs no network.
 .
 'systemctl enable --now edgener.socket' answers on /run/edgener.sock.
"""
HTTP_DESCRIPTION = """\
 .
 'systemctl enable --now edgener-http.socket' answers on http://127.0.0.1:8765.
"""
UNITS = ("edgener.service", "edgener.socket")
HTTP_UNITS = ("edgener-http.service", "edgener-http.socket")
"""Units of a build that serves HTTP."""
SCRIPTS = ("postinst", "prerm", "postrm")
SHORT_DIGEST = 8
"""Number of characters of a build's digest in the version of its package."""
PRE_RELEASE = re.compile(r"(?<=\d)\.?(?=(a|b|rc|dev)\d)")
"""The place in a Python version behind which it is earlier than the release, which Debian says with a tilde."""


def write_deb(artifact: Artifact, target: Path, time: int) -> None:
    """Write the package of an unpacked build to ``target``; the same build and ``time`` (Unix) give the same bytes."""
    record = artifact.record
    with draft_of(target) as draft, tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        root = Path(scratch) / "root"
        copy_folder(artifact.folder, root / "opt/edgener")
        _put(ON_DEVICE / "debian-edgener.sh", root / "usr/bin/edgener", 0o755)
        for name in UNITS + (HTTP_UNITS if record.serves_http else ()):
            _put(ON_DEVICE / name, root / "usr/lib/systemd/system" / name, 0o644)
        size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        for name in SCRIPTS:
            _put(ON_DEVICE / f"debian-{name}.sh", root / "DEBIAN" / name, 0o755)
        control = CONTROL.format(
            version=_version(artifact, time),
            architecture=artifact.platform.debian,
            kilobytes=-(-size // 1024),
            device=record.device,
            model=record.model,
            depends=_depends(record) if record.interpreter == DEVICE else "",
        )
        control += HTTP_DESCRIPTION if record.serves_http else ""
        (root / "DEBIAN/control").write_text(control, encoding="utf-8")
        (root / "DEBIAN/control").chmod(0o644)
        for path in (root, *root.rglob("*")):
            if path.is_dir():
                path.chmod(0o755)
            os.utime(path, (time, time), follow_symlinks=False)
        env = {**os.environ, "SOURCE_DATE_EPOCH": str(time)}
        command: list[str | Path] = [
            "dpkg-deb",
            "--root-owner-group",
            "-Zxz",
            "-z6",
            "--threads-max=1",
            "--build",
            root,
            draft,
        ]
        run_program(command, "run this on Debian or install dpkg", env=env)


def _version(artifact: Artifact, time: int) -> str:
    """The version of the package, by which apt tells builds of one release apart, and takes the later one."""
    date = datetime.fromtimestamp(time, UTC).strftime("%Y%m%d")
    digest = describe_file(artifact.folder / CHECKSUMS).sha256[:SHORT_DIGEST]
    return f"{PRE_RELEASE.sub('~', artifact.record.edgener)}+{date}.{digest}"


def _depends(record: BuildRecord) -> str:
    """The control field with the packages that the device must have."""
    major, minor = record.python.split(".")[:2]
    interpreter = f"python3 (>= {major}.{minor}), python3 (<< {major}.{int(minor) + 1})"
    return f"Depends: {interpreter}, libc6 (>= {record.glibc}), libstdc++6\n"


def _put(source: Path, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)
