"""A build in a whole machine: qemu-system with the device's processor and memory, a real kernel and nothing else.

What qemu-user cannot show is shown here: whether the kernel kills the recognizer for its memory, that the .run unpacks
itself with a small shell, and what the guest's own accounting says.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgener_edge.cache import Cache, Log
from edgener_edge.cpio import initramfs
from edgener_edge.devices import AARCH64, X86_64, host_platform
from edgener_edge.emulator import extract_from_deb
from edgener_edge.errors import ToolError, VerifyError
from edgener_edge.folder import TEMPLATES, fill
from edgener_edge.lock import Deb, Lock
from edgener_edge.tools import run_tool

PROGRAM = "qemu-system-aarch64"
MODULES = {
    "virtio_mmio": "drivers/virtio", "virtio_blk": "drivers/block", "crc16": "lib", "crc32c_generic": "crypto",
    "mbcache": "fs", "jbd2": "fs/jbd2", "ext4": "fs/ext4",
}  # fmt: skip
"""What Debian's kernel needs to mount a disk of QEMU's, in the order of loading, and where it lies."""
DIRECTORIES = ("bin", "data", "dev", "modules", "proc", "root", "sys", "tmp")
DISK_MB = 600
"""Room for the file, and for what it unpacks to."""
TEXT = "王小明在北京大学工作。"


@dataclass(frozen=True)
class Result:
    """One command in the guest."""

    name: str
    """``first`` (unpacks and answers), ``sentence``, ``golden`` or ``stream``."""
    exit_code: int
    """0 where it answered, 137 where the kernel killed it."""
    seconds: float
    """In the guest; says nothing about a real device."""
    lines: int
    """Of its output."""
    peak_rss_mb: float
    """Of the process, by the guest's kernel; 0 where it was not asked."""


@dataclass(frozen=True)
class GuestReport:
    """What a guest said."""

    cpu: str
    """Model of QEMU."""
    memory_mb: int
    """Given to the machine; the kernel keeps a part of it."""
    usable_mb: float
    """What the kernel leaves: MemTotal."""
    kernel: str
    """Release."""
    results: tuple[Result, ...]
    """In the order in which they ran."""
    said: tuple[str, ...]
    """Answers, and words of what failed."""

    @property
    def is_good(self) -> bool:
        """Whether everything ran to its end."""
        return len(self.results) == 4 and all(result.exit_code == 0 for result in self.results)


class Machine:
    """Boots builds for aarch64 in whole imitated machines."""

    def __init__(self, lock: Lock, cache: Cache, log: Log) -> None:
        """With the QEMU that is installed, else the one of the lock file; always with the lock file's kernel."""
        self._lock, self._cache, self._log = lock, cache, log

    def boot(self, run: Path, python: str, cpu: str, memory_mb: int, lines: str, timeout: int) -> GuestReport:
        """Boot, unpack ``run``, recognize one text, the golden cases, and the lines of a file; then switch off.

        Raises VerifyError where the guest does not come to its end within ``timeout`` seconds.
        """
        with tempfile.TemporaryDirectory() as directory:
            scratch = Path(directory)
            disk = self._disk(run, lines, scratch)
            kernel, ramdisk = self._kernel(python, scratch)
            command = [
                *self._qemu(), "-M", "virt", "-cpu", cpu, "-smp", "2", "-m", f"{memory_mb}M", "-nic", "none",
                "-nographic", "-no-reboot", "-kernel", kernel, "-initrd", ramdisk,
                "-append", "console=ttyAMA0 quiet panic=-1",
                "-drive", f"file={disk},format=raw,if=none,id=disk", "-device", "virtio-blk-device,drive=disk",
            ]  # fmt: skip
            self._log(f"booting {cpu} with {memory_mb} MB")
            try:
                done = subprocess.run(
                    list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True,
                    errors="replace", timeout=timeout,
                )  # fmt: skip
            except subprocess.TimeoutExpired as error:
                heard = bytes(error.stdout or b"").decode("utf-8", "replace")
                raise VerifyError(f"{cpu} with {memory_mb} MB: not done after {timeout} s\n{heard[-600:]}") from error
            if "@@ done" not in done.stdout:
                raise VerifyError(
                    f"{cpu} with {memory_mb} MB: the guest broke off\n{(done.stdout + done.stderr)[-900:]}"
                )
            return read_report(done.stdout, cpu, memory_mb)

    def _disk(self, run: Path, lines: str, scratch: Path) -> Path:
        content = scratch / "disk"
        content.mkdir()
        shutil.copyfile(run, content / "build.run")
        (content / "build.run").chmod(0o755)
        shutil.copyfile(TEMPLATES / "peak.py", content / "peak.py")
        (content / "text.txt").write_text(TEXT, encoding="utf-8")
        (content / "lines.txt").write_text(lines, encoding="utf-8")
        disk = scratch / "disk.img"
        path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
        program = shutil.which("mke2fs", path=path) or "mke2fs"
        run_tool([program, "-q", "-t", "ext4", "-d", content, disk, f"{DISK_MB}M"], "install e2fsprogs")
        shutil.rmtree(content)
        return disk

    def _kernel(self, python: str, scratch: Path) -> tuple[Path, Path]:
        kernel = next(deb for deb in self._lock.debs_for("guest") if deb.name.startswith("linux-image-"))
        busybox = next(deb for deb in self._lock.debs_for("guest") if deb.name == "busybox-static")
        release = kernel.name.removeprefix("linux-image-")
        parts = self._cache.directory / f"guest-{_digest((kernel, busybox))}"
        if not parts.exists():
            paths = self._cache.debs((kernel, busybox))
            draft = scratch / "guest"
            extract_from_deb(paths[0], f"./boot/vmlinuz-{release}", draft / "kernel")
            for name, place in MODULES.items():
                extract_from_deb(paths[0], f"./lib/modules/{release}/kernel/{place}/{name}.ko", draft / f"{name}.ko")
            extract_from_deb(paths[1], "./bin/busybox", draft / "busybox")
            shutil.copytree(draft, parts.with_suffix(f".{os.getpid()}"))
            parts.with_suffix(f".{os.getpid()}").replace(parts)
        script = fill((TEMPLATES / "guest.sh").read_text(encoding="utf-8"), {
            "MODULES": " ".join(MODULES), "LOADER": AARCH64.loader, "PYTHON": python,
        })  # fmt: skip
        files = {f"modules/{name}.ko": (parts / f"{name}.ko").read_bytes() for name in MODULES}
        files |= {"bin/busybox": (parts / "busybox").read_bytes(), "init": script.encode()}
        ramdisk = scratch / "initramfs"
        ramdisk.write_bytes(initramfs(files, DIRECTORIES))
        return parts / "kernel", ramdisk

    def _qemu(self) -> list[str | Path]:
        installed = shutil.which(PROGRAM)
        if installed:
            return [installed]
        if host_platform() != X86_64:
            raise ToolError(f"{PROGRAM}: not installed; apt-get install qemu-system-arm")
        debs = self._lock.debs_for("qemu-system")
        root = self._cache.directory / f"qemu-system-{_digest(debs)}"
        if not root.exists():
            draft = root.with_suffix(f".{os.getpid()}")
            for path in self._cache.debs(debs):
                run_tool(["dpkg-deb", "-x", path, draft], "is the disk full?")
            draft.replace(root)
        libraries = [root / part / X86_64.triplet for part in ("usr/lib", "lib")]
        loader = root / "lib" / X86_64.triplet / X86_64.loader
        return [
            loader, "--library-path", os.pathsep.join(map(str, libraries)), root / "usr/bin" / PROGRAM,
            "-L", root / "usr/share/qemu",
        ]  # fmt: skip


def read_report(console: str, cpu: str, memory_mb: int) -> GuestReport:
    """What guest.sh wrote to the console."""
    lines = [line.strip()[3:] for line in console.splitlines() if line.startswith("@@ ")]
    words = [line.split() for line in lines]
    peaks = {name: int(kilobytes) / 1024 for kind, name, kilobytes in (w for w in words if w[0] == "peak")}
    results = tuple(
        Result(name, int(code), float(ended) - float(started), int(count), peaks.get(name, 0.0))
        for _, name, code, started, ended, count in (w for w in words if w[0] == "result")
    )
    facts = {w[0]: w[1] for w in words if w[0] in ("kernel", "memory_kb")}
    said = tuple(line for line, w in zip(lines, words, strict=True) if w[0] in ("said", "answer", "check", "no"))
    return GuestReport(
        cpu, memory_mb, int(facts.get("memory_kb", "0")) / 1024, facts.get("kernel", "unknown"), results, said
    )


def _digest(debs: tuple[Deb, ...]) -> str:
    return hashlib.sha256("".join(deb.sha256 for deb in debs).encode()).hexdigest()[:16]
