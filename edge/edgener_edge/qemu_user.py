"""Run a build's own interpreter under qemu-user on a chosen CPU model: no root, no binfmt, no image of a system."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgener_edge.cache import Cache
from edgener_edge.device_folder import interpreter_command
from edgener_edge.devices import CPU_FEATURES, X86_64, host_platform
from edgener_edge.errors import DeviceError, ToolError, VerifyError
from edgener_edge.lock import Deb
from edgener_edge.run_program import run_program
from edgener_edge.unpack import Artifact

PROGRAM = "qemu-aarch64-static"
HOST = "host"
"""Stands for the machine's own processor in place of a model of QEMU."""
CPUINFO = """\
processor\t: {number}
BogoMIPS\t: 108.00
Features\t: {features}
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: {part}
CPU revision\t: 3

"""


class Emulator:
    """Runs Python scripts in builds on imitated processors. Safe to share between threads."""

    def __init__(self, package: Deb, cache: Cache) -> None:
        """Use the QEMU that is installed, else the one in the Debian package ``package``, unpacked into the cache."""
        self._package, self._cache = package, cache

    def run(self, artifact: Artifact, cpu: str, script: Path, arguments: Sequence[Path], scratch: Path) -> None:
        """Run ``script`` with the interpreter and the packages of a build, on ``cpu``, to its end.

        Raises VerifyError with the end of what it said where it fails.
        """
        command = interpreter_command(artifact.folder, artifact.platform, artifact.python)
        if cpu != HOST:
            command = [str(self.qemu()), "-cpu", cpu, "-L", str(_fake_root(cpu, scratch)), *command]
        env = {
            "PATH": os.defpath, "HOME": str(scratch), "PYTHONHOME": str(artifact.folder),
            "PYTHONPATH": str(artifact.folder / "site"), "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1",
        }  # fmt: skip
        command += ["-OO", "-S", str(script), *map(str, arguments)]
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True, errors="replace"
        )
        if done.returncode:
            said = "\n".join(done.stderr.strip().splitlines()[-8:])
            raise VerifyError(
                f"on {cpu}, the build's interpreter ended with {done.returncode}; if it was built from other source "
                f"code than this edgener-edge, build it again\n{said}"
            )

    def qemu(self) -> Path:
        """The path of qemu-user; raises ToolError where it is not installed and cannot be fetched."""
        installed = shutil.which(PROGRAM)
        if installed:
            return Path(installed)
        target = self._cache.directory / f"qemu-user-{self._package.sha256[:16]}" / PROGRAM
        if not target.exists():
            if host_platform() != X86_64:
                raise ToolError(f"{PROGRAM}: not installed; apt-get install qemu-user-static")
            (path,) = self._cache.debs([self._package])
            extract_from_deb(path, {f"./usr/bin/{PROGRAM}": target})
        return target

    def version(self) -> str:
        """The first line that QEMU prints about its version."""
        return run_program([self.qemu(), "--version"], "reinstall qemu-user-static").splitlines()[0]


def extract_from_deb(deb: Path, targets: Mapping[str, Path]) -> None:
    """Extract files of a Debian package, with their permissions: ``targets`` has the path for each name in the package.

    The package is read in one pass, as unpacking a kernel takes seconds.
    """
    missing = dict(targets)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name in missing else None
                if content:
                    target = missing.pop(member.name)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    draft = target.with_name(f".{target.name}.{os.getpid()}")
                    with draft.open("wb") as file:
                        shutil.copyfileobj(content, file)
                    draft.chmod(member.mode)
                    draft.replace(target)
                if not missing:
                    break
        process.kill()
    if missing:
        raise ToolError(f"{deb}: holds no {', '.join(missing)}")


def verify_cpu(cpu: str) -> None:
    """Raise DeviceError for a CPU model that can neither be imitated nor is this machine's own."""
    if cpu != HOST and cpu not in CPU_FEATURES:
        raise DeviceError(f"{cpu}: no such CPU model here; known: {', '.join(CPU_FEATURES)}")


def cpuinfo(cpu: str, cores: int) -> str:
    """The text of /proc/cpuinfo of an Arm machine; raises DeviceError for an unknown CPU model.

    QEMU 7 shows the host's instead, which onnxruntime misreads.
    """
    verify_cpu(cpu)
    part, features = CPU_FEATURES[cpu]
    return "".join(CPUINFO.format(number=number, features=features, part=part) for number in range(cores))


def _fake_root(cpu: str, scratch: Path) -> Path:
    root = scratch / f"root-{cpu}"
    (root / "proc").mkdir(parents=True, exist_ok=True)
    draft = root / f"cpuinfo-{threading.get_ident()}"
    draft.write_text(cpuinfo(cpu, os.cpu_count() or 1), encoding="utf-8")
    draft.replace(root / "proc/cpuinfo")  # whole at any time: another emulator may be reading it
    return root
