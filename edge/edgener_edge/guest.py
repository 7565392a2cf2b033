"""Guests: whole machines that QEMU makes around a processor, with Debian's kernel and a disk.

On the CPU ``host``, a guest is not imitated but runs on the host's own processor, by KVM.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgener_edge.cache import Cache
from edgener_edge.cpio import initramfs
from edgener_edge.device_folder import copy_folder, fill
from edgener_edge.devices import AARCH64, X86_64, Platform, host_platform
from edgener_edge.errors import ToolError, VerifyError
from edgener_edge.lock import Deb, Lock
from edgener_edge.qemu_user import HOST, extract_from_deb
from edgener_edge.run_program import run_program

KVM = Path("/dev/kvm")
DISK = {"crc16": "lib", "crc32c_generic": "crypto", "mbcache": "fs", "jbd2": "fs/jbd2", "ext4": "fs/ext4"}
"""Modules of Debian's kernel that mount a disk, in the order of loading, and where they lie."""


@dataclass(frozen=True)
class Board:
    """The machine that QEMU puts around a processor, and the modules that Debian's kernel needs there."""

    program: str
    """Name of QEMU's program."""
    package: str
    """Debian's package with the program."""
    options: tuple[str, ...]
    """Options that choose the machine."""
    console: str
    """Name of the serial line."""
    disk: str
    """QEMU's name of the disk's device."""
    modules: dict[str, str]
    """Kernel modules in the order of loading, with their directories, as in DISK."""


BOARDS = {
    AARCH64.machine: Board(
        "qemu-system-aarch64", "qemu-system-arm", ("-M", "virt"), "ttyAMA0", "virtio-blk-device",
        {"virtio_mmio": "drivers/virtio", "virtio_blk": "drivers/block", **DISK},
    ),
    X86_64.machine: Board(
        "qemu-system-x86_64", "qemu-system-x86", ("-M", "q35"), "ttyS0", "virtio-blk-pci",
        {
            **dict.fromkeys(
                ("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci"),
                "drivers/virtio",
            ),
            "virtio_blk": "drivers/block",
            **DISK,
        },
    ),
}  # fmt: skip
"""Boards by the machine of a platform."""
DIRECTORIES = ("bin", "data", "dev", "modules", "proc", "root", "sys", "tmp")
MARK = "@@ "
"""Mark before each line of guest.sh."""
LISTEN_EVERY = 0.2
"""Seconds between two looks at the console."""
LONGEST_CONSOLE = 1 << 20
"""Number of bytes read at a look."""


class Guest:
    """A machine for a platform; QEMU is the installed one, else the lock file's, and the kernel always the latter's."""

    def __init__(self, platform: Platform, lock: Lock, cache: Cache) -> None:
        """Take what says which packages make it, and where they lie."""
        self._platform, self._board = platform, BOARDS[platform.machine]
        self._lock, self._cache = lock, cache

    def command(self, cpu: str, memory_mb: int, disk: Path, init: str, scratch: Path) -> list[str | Path]:
        """Return QEMU's command for a machine with a ``disk`` whose first program is ``init``, a script for busybox.

        In the script, @MODULES@ stands for the modules to load, which lie in /modules; the disk is /dev/vda, and
        /data is there to mount it. Files that the machine needs are written to ``scratch``. Raises ToolError where
        this machine has no KVM for the CPU ``host``.
        """
        if cpu == HOST:
            check_kvm(self._platform)
        kernel, ramdisk = self._kernel(init, scratch)
        return [
            *self._qemu(), *self._board.options, "-accel", "kvm" if cpu == HOST else "tcg",
            "-cpu", cpu, "-smp", "2", "-m", f"{memory_mb}M", "-nic", "none", "-nographic",
            "-no-reboot", "-kernel", kernel, "-initrd", ramdisk,
            "-append", f"console={self._board.console} quiet panic=-1",
            "-drive", f"file={disk},format=raw,if=none,id=disk", "-device", f"{self._board.disk},drive=disk",
        ]  # fmt: skip

    def _kernel(self, init: str, scratch: Path) -> tuple[Path, Path]:
        """Return the kernel, and the RAM disk with its modules, busybox and the script."""
        packages = self._lock.packages_for(self._platform.machine)
        kernel, busybox = packages.kernel, packages.busybox
        modules = self._board.modules
        release = kernel.name.removeprefix("linux-image-")
        parts = self._cache.directory / f"guest-{_digest((kernel, busybox))}"
        if not parts.exists():
            paths = self._cache.debs((kernel, busybox))
            draft = scratch / "guest"
            wanted = {f"./lib/modules/{release}/kernel/{modules[name]}/{name}.ko": f"{name}.ko" for name in modules}
            wanted[f"./boot/vmlinuz-{release}"] = "kernel"
            extract_from_deb(paths[0], {place: draft / name for place, name in wanted.items()})
            extract_from_deb(paths[1], {"./bin/busybox": draft / "busybox"})
            copy_folder(draft, parts.with_suffix(f".{os.getpid()}"))
            parts.with_suffix(f".{os.getpid()}").replace(parts)
        script = fill(init, {"MODULES": " ".join(modules)})
        files = {f"modules/{name}.ko": (parts / f"{name}.ko").read_bytes() for name in modules}
        files |= {"bin/busybox": (parts / "busybox").read_bytes(), "init": script.encode()}
        ramdisk = scratch / "initramfs"
        ramdisk.write_bytes(initramfs(files, DIRECTORIES))
        return parts / "kernel", ramdisk

    def _qemu(self) -> list[str | Path]:
        installed = shutil.which(self._board.program)
        if installed:
            return [installed]
        if host_platform() != X86_64:
            raise ToolError(f"{self._board.program}: not installed; apt-get install {self._board.package}")
        debs = self._lock.qemu_system
        root = self._cache.directory / f"qemu-system-{_digest(debs)}"
        if not root.exists():
            draft = root.with_suffix(f".{os.getpid()}")
            for path in self._cache.debs(debs):
                run_program(["dpkg-deb", "-x", path, draft], "is the disk full?")
            draft.replace(root)
        libraries = [root / part / X86_64.triplet for part in ("usr/lib", "lib")]
        program, modules = root / "usr/bin" / self._board.program, f"QEMU_MODULE_DIR={libraries[0] / 'qemu'}"
        loader = root / "lib" / X86_64.triplet / X86_64.loader
        return [
            "env", modules, loader, "--library-path", os.pathsep.join(map(str, libraries)), program,
            "-L", root / "usr/share/qemu", "-L", root / "usr/share/seabios",
        ]  # fmt: skip


def make_disk(content: Path, disk: Path, megabytes: int) -> None:
    """Write the image of a disk of this size that holds the directory ``content``."""
    run_program([e2fs("mke2fs"), "-q", "-t", "ext4", "-d", content, disk, f"{megabytes}M"], "install e2fsprogs")


def e2fs(program: str) -> str:
    """Return the path of a program of e2fsprogs, which users have no path to."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    return shutil.which(program, path=path) or program


def check_kvm(platform: Platform, device: Path = KVM) -> None:
    """Raise ToolError where this machine cannot run a guest for ``platform`` on its own processor."""
    if host_platform() != platform:
        raise ToolError(f"KVM runs a guest for {platform.machine} only on a machine of that kind; name a --cpu")
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError as error:
        raise ToolError(
            f"{device}: cannot be opened: {error.strerror}; load the kernel's module and be in the group kvm, or "
            "imitate a processor: --cpu max"
        ) from error


def listen(command: Sequence[str | Path], name: str, timeout: float, tell: Callable[[str], None]) -> str:
    """Run a guest to its end; its console. Each line of guest.sh is passed to ``tell`` when it comes.

    Raises VerifyError where the guest breaks off, or gets no further for ``timeout`` seconds.
    """
    heard, told = b"", 0
    latest, deadline = "", time.monotonic() + timeout
    with tempfile.TemporaryFile() as console:
        process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT
        )
        try:
            is_running = True
            while is_running:
                is_running = process.poll() is None
                heard += os.pread(console.fileno(), LONGEST_CONSOLE, len(heard))
                whole = heard.rfind(b"\n") + 1
                for line in marked_lines(heard[told:whole].decode("utf-8", "replace")):
                    tell(line)
                    step = _without_memory(line)
                    if step != latest:
                        latest, deadline = step, time.monotonic() + timeout
                told = whole
                if time.monotonic() > deadline:
                    raise VerifyError(f"{name}: no progress for {timeout:.0f} s\n{_end(heard)}")
                time.sleep(LISTEN_EVERY if is_running else 0)
        finally:
            process.kill()
            process.wait()
    text = heard.decode("utf-8", "replace")
    if "done" not in marked_lines(text):
        raise VerifyError(f"{name}: the guest broke off\n{_end(heard)}")
    return text


def marked_lines(console: str) -> list[str]:
    """Return what a guest said on its console, line by line, without marks."""
    return [line.strip().removeprefix(MARK) for line in console.split("\n") if line.startswith(MARK)]


def _without_memory(line: str) -> str:
    return line.rpartition(" ")[0] if line.startswith("progress ") else line


def _end(heard: bytes) -> str:
    return heard.decode("utf-8", "replace")[-900:]


def _digest(debs: tuple[Deb, ...]) -> str:
    return hashlib.sha256("".join(deb.sha256 for deb in debs).encode()).hexdigest()[:16]
