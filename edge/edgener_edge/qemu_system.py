"""Run a build in a whole machine: qemu-system with the device's processor and memory, and a real kernel.

It shows what qemu-user cannot: whether the kernel kills the recognizer for its memory, that the .run unpacks itself
with a small shell, the memory by the guest's own accounting, and that a long file goes through.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from edgener.bundle import describe_file
from edgener_edge.cache import Cache, Log
from edgener_edge.compare_streams import StreamAgreement, compare_streams
from edgener_edge.device_folder import ON_DEVICE, fill
from edgener_edge.errors import VerifyError
from edgener_edge.guest import Guest, e2fs, listen, make_disk, marked_lines
from edgener_edge.lock import Lock
from edgener_edge.run_program import run_program
from edgener_edge.unpack import Artifact
from edgener_edge.verify import host_environment

DISK_MB = 600
"""Room for the file, and for what it unpacks to."""
ANSWER_SHARE = 4
"""Room for a streamed file and its answers, in sizes of the file."""
TEXT = "王小明在北京大学工作。"
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
        self._artifact, self._run, self._log = artifact, run, log
        self._guest = Guest(artifact.platform, lock, cache)

    def boot(self, cpu: str, memory_mb: int, lines: Path, reference: Path, timeout: int) -> GuestReport:
        """Boot, unpack, recognize one text, the golden cases, and the ``lines`` of a file; then switch off.

        ``reference`` holds the host's answers to the lines. Raises VerifyError where the guest makes no progress for
        ``timeout`` seconds.
        """
        with tempfile.TemporaryDirectory() as directory:
            scratch = Path(directory)
            disk = self._disk(lines, scratch)
            init = fill((ON_DEVICE / "guest.sh").read_text(encoding="utf-8"), {
                "LOADER": self._artifact.platform.loader, "PYTHON": self._artifact.python,
            })  # fmt: skip
            command = self._guest.command(cpu, memory_mb, disk, init, scratch)
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
        make_disk(content, disk, size)
        shutil.rmtree(content)
        return disk


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


def read_report(console: str, cpu: str, memory_mb: int) -> GuestReport:
    """Parse what guest.sh wrote to the console."""
    lines = marked_lines(console)
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


def _copied_answers(disk: Path, sha256: str, scratch: Path) -> Path:
    """The answers to the lines, from the disk of a guest that is switched off."""
    answers = scratch / "answers.jsonl"
    run_program([e2fs("debugfs"), "-R", f"dump /stream.out {answers}", disk], "install e2fsprogs")
    if not answers.exists() or describe_file(answers).sha256 != sha256:
        raise VerifyError(f"{disk.name}: the guest's answers cannot be read back; is the disk full?")
    return answers
