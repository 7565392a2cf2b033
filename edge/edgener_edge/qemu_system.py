"""Run a build in a whole machine: qemu-system with the device's processor and memory, and a real kernel.

It shows what qemu-user cannot: whether the kernel kills the recognizer for its memory, that the .run unpacks itself
with a small shell, the memory by the guest's own accounting, and that a long file goes through. On the CPU ``host``,
the guest is not imitated but runs on the host's own processor, by KVM.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgener.bundle import describe_file
from edgener_edge.cache import Cache, Log
from edgener_edge.compare_streams import StreamAgreement, compare_streams
from edgener_edge.cpio import initramfs
from edgener_edge.device_folder import ON_DEVICE, fill
from edgener_edge.devices import AARCH64, X86_64, Platform, host_platform
from edgener_edge.errors import ToolError, VerifyError
from edgener_edge.lock import Deb, Lock
from edgener_edge.qemu_user import HOST, extract_from_deb
from edgener_edge.run_program import run_program
from edgener_edge.unpack import Artifact
from edgener_edge.verify import host_environment

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
                ("virtio", "virtio_ring", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci"),
                "drivers/virtio",
            ),
            "virtio_blk": "drivers/block",
            **DISK,
        },
    ),
}  # fmt: skip
"""Boards by the machine of a platform."""
DIRECTORIES = ("bin", "data", "dev", "modules", "proc", "root", "sys", "tmp")
DISK_MB = 600
"""Room for the file, and for what it unpacks to."""
ANSWER_SHARE = 4
"""Room for a streamed file and its answers, in sizes of the file."""
TEXT = "王小明在北京大学工作。"
MARK = "@@ "
"""Mark before each line of guest.sh."""
LISTEN_EVERY = 0.2
"""Seconds between two looks at the console."""
LONGEST_CONSOLE = 1 << 20
"""Number of bytes read at a look."""
SAID_EVERY = 30.0
"""Seconds between two lines on how far a stream is."""


@dataclass(frozen=True)
class Result:
    """The outcome of one command in the guest."""

    name: str
    """``first`` (unpacks and answers), ``sentence``, ``golden`` or ``stream``."""
    exit_code: int
    """0 where it answered, 137 where the kernel killed it."""
    seconds: float
    """Seconds that it took in the guest, which say nothing about a real device."""
    lines: int
    """Number of lines of its output."""
    peak_rss_mb: float
    """Peak resident memory of the process by the guest's kernel (VmHWM) in MB; 0 where it was not asked."""


@dataclass(frozen=True)
class GuestReport:
    """The report of one guest."""

    cpu: str
    """Model of QEMU."""
    memory_mb: int
    """Memory of the machine in MB, of which the kernel keeps a part."""
    usable_mb: float
    """Memory that the kernel leaves (MemTotal) in MB."""
    kernel: str
    """Release of the kernel."""
    results: tuple[Result, ...]
    """Outcomes of the commands in the order in which they ran."""
    said: tuple[str, ...]
    """Answers, and the last words of commands that failed."""
    least_available_mb: float
    """Least memory available (MemAvailable) in MB while the lines were streamed, looked at every second."""
    stream_sha256: str
    """SHA-256 of the answers to the lines, as the guest computed it."""
    stream: StreamAgreement | None = None
    """Comparison of these answers with the host's; None where the stream broke off."""

    @property
    def is_good(self) -> bool:
        """True if everything ran to its end and the lines got the host's answers."""
        ran = len(self.results) == 4 and all(result.exit_code == 0 for result in self.results)
        return ran and self.stream is not None and self.stream.is_good


class Machine:
    """Boots builds in whole machines."""

    def __init__(self, artifact: Artifact, run: Path, lock: Lock, cache: Cache, log: Log) -> None:
        """Boot the build ``run``, which is unpacked as ``artifact``.

        It uses the QEMU that is installed, else the one of the lock file, and always the lock file's kernel.
        """
        self._artifact, self._run, self._python = artifact, run, artifact.python
        self._board = BOARDS[artifact.platform.machine]
        self._lock, self._cache, self._log = lock, cache, log

    def boot(self, cpu: str, memory_mb: int, lines: Path, reference: Path, timeout: int) -> GuestReport:
        """Boot, unpack, recognize one text, the golden cases, and the ``lines`` of a file; then switch off.

        ``reference`` holds the host's answers to the lines. Raises VerifyError where the guest makes no progress for
        ``timeout`` seconds.
        """
        with tempfile.TemporaryDirectory() as directory:
            scratch = Path(directory)
            if cpu == HOST:
                check_kvm(self._artifact.platform)
            disk = self._disk(lines, scratch)
            kernel, ramdisk = self._kernel(self._artifact.platform, scratch)
            command = [
                *self._qemu(), *self._board.options, "-accel", "kvm" if cpu == HOST else "tcg",
                "-cpu", cpu, "-smp", "2", "-m", f"{memory_mb}M", "-nic", "none", "-nographic",
                "-no-reboot", "-kernel", kernel, "-initrd", ramdisk,
                "-append", f"console={self._board.console} quiet panic=-1",
                "-drive", f"file={disk},format=raw,if=none,id=disk", "-device", f"{self._board.disk},drive=disk",
            ]  # fmt: skip
            self._log(f"booting {cpu} with {memory_mb} MB")
            progress = _StreamProgress(lines.stat().st_size, self._log)
            name = f"{cpu} with {memory_mb} MB"
            console = listen(command, name, timeout, progress)
            report = read_report(console, cpu, memory_mb)
            if any(result.name == "stream" and result.exit_code == 0 for result in report.results):
                answers = _copied_answers(disk, report.stream_sha256, scratch)
                return replace(report, stream=compare_streams(reference, answers))
            return report

    def host_answers(self, lines: Path, target: Path) -> None:
        """Write to ``target`` the answers of this machine's own Python to ``lines``, with the model of the build."""
        command: list[str | Path] = [sys.executable, "-m", "edgener", "--model"]
        command.append(self._artifact.model)
        self._log("answering on the host")
        with lines.open("rb") as source, target.open("wb") as answers:
            done = subprocess.run(
                command, stdin=source, stdout=answers, stderr=subprocess.PIPE, env=host_environment(), check=False
            )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace")[-2000:]
            raise VerifyError(f"the host's own edgener ended with {done.returncode}\n{said}")

    def _disk(self, lines: Path, scratch: Path) -> Path:
        content = scratch / "disk"
        content.mkdir()
        shutil.copyfile(self._run, content / "build.run")
        (content / "build.run").chmod(0o755)
        shutil.copyfile(ON_DEVICE / "peak_memory.py", content / "peak_memory.py")
        (content / "text.txt").write_text(TEXT, encoding="utf-8")
        shutil.copyfile(lines, content / "lines.txt")
        disk = scratch / "disk.img"
        size = DISK_MB + ANSWER_SHARE * lines.stat().st_size // 1_000_000
        run_program([_e2fs("mke2fs"), "-q", "-t", "ext4", "-d", content, disk, f"{size}M"], "install e2fsprogs")
        shutil.rmtree(content)
        return disk

    def _kernel(self, platform: Platform, scratch: Path) -> tuple[Path, Path]:
        packages = self._lock.packages_for(platform.machine)
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
            shutil.copytree(draft, parts.with_suffix(f".{os.getpid()}"))
            parts.with_suffix(f".{os.getpid()}").replace(parts)
        script = fill((ON_DEVICE / "guest.sh").read_text(encoding="utf-8"), {
            "MODULES": " ".join(modules), "LOADER": platform.loader, "PYTHON": self._python,
        })  # fmt: skip
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
        loader = root / "lib" / X86_64.triplet / X86_64.loader
        return [
            loader, "--library-path", os.pathsep.join(map(str, libraries)), root / "usr/bin" / self._board.program,
            "-L", root / "usr/share/qemu", "-L", root / "usr/share/seabios",
        ]  # fmt: skip


class _StreamProgress:
    """Takes what the guest says, and tells people now and then how far the stream is."""

    def __init__(self, size: int, log: Log) -> None:
        self._size, self._log = size, log
        self._started = self._next = 0.0

    def __call__(self, line: str) -> None:
        words = line.split()
        if words[:1] != ["progress"] or len(words) != 3:
            return
        now = time.monotonic()
        self._started = self._started or now
        self._next = self._next or now + SAID_EVERY
        position, available_kb = int(words[1]), int(words[2])
        if now < self._next or not position:
            return
        self._next = now + SAID_EVERY
        left = (now - self._started) * (self._size - position) / position
        self._log(
            f"streamed {position / 1e6:.2f} of {self._size / 1e6:.2f} MB, "
            f"{available_kb / 1024:.0f} MB of memory available, about {left / 60:.0f} min left"
        )


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
                for line in _marked_lines(heard[told:whole].decode("utf-8", "replace")):
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
    if "done" not in _marked_lines(text):
        raise VerifyError(f"{name}: the guest broke off\n{_end(heard)}")
    return text


def read_report(console: str, cpu: str, memory_mb: int) -> GuestReport:
    """Parse what guest.sh wrote to the console."""
    lines = _marked_lines(console)
    words = [line.split() for line in lines]
    peaks = {name: int(kilobytes) / 1024 for kind, name, kilobytes in (w for w in words if w[0] == "peak")}
    results = tuple(
        Result(name, int(code), float(ended) - float(started), int(count), peaks.get(name, 0.0))
        for _, name, code, started, ended, count in (w for w in words if w[0] == "result")
    )
    facts = {w[0]: w[1] for w in words if w[0] in ("kernel", "memory_kb", "sha256")}
    said = tuple(line for line, w in zip(lines, words, strict=True) if w[0] in ("said", "answer", "check", "no"))
    return GuestReport(
        cpu=cpu,
        memory_mb=memory_mb,
        usable_mb=int(facts.get("memory_kb", "0")) / 1024,
        kernel=facts.get("kernel", "unknown"),
        results=results,
        said=said,
        least_available_mb=min((int(w[2]) for w in words if w[0] == "progress"), default=0) / 1024,
        stream_sha256=facts.get("sha256", ""),
    )


def _marked_lines(console: str) -> list[str]:
    return [line.strip().removeprefix(MARK) for line in console.split("\n") if line.startswith(MARK)]


def _without_memory(line: str) -> str:
    return line.rpartition(" ")[0] if line.startswith("progress ") else line


def _end(heard: bytes) -> str:
    return heard.decode("utf-8", "replace")[-900:]


def _copied_answers(disk: Path, sha256: str, scratch: Path) -> Path:
    """The answers to the lines, from the disk of a guest that is switched off."""
    answers = scratch / "answers.jsonl"
    run_program([_e2fs("debugfs"), "-R", f"dump /stream.out {answers}", disk], "install e2fsprogs")
    if not answers.exists() or describe_file(answers).sha256 != sha256:
        raise VerifyError(f"{disk.name}: the guest's answers cannot be read back; is the disk full?")
    return answers


def _e2fs(program: str) -> str:
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    return shutil.which(program, path=path) or program


def _digest(debs: tuple[Deb, ...]) -> str:
    return hashlib.sha256("".join(deb.sha256 for deb in debs).encode()).hexdigest()[:16]
