"""Checks of this machine: each tells what it saw, whether that is good, and what to do about it."""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgener.memory import available_memory

GOOD, SLOW, BAD = "good", "slow", "bad"
"""BAD keeps the recognizer from running, SLOW slows it down or may stop it later."""
ENOUGH_MEMORY_MB, LEAST_MEMORY_MB = 160, 90
OLDEST_KERNEL, SLOW_KERNEL = (3, 7), (4, 14)
"""glibc does not start below the first one; below the second, drivers of the boards are known to misbehave."""
HOT = 80
"""Degrees Celsius at which a Raspberry Pi lowers its clock."""
THROTTLED = {0: "too low a voltage now", 1: "clock capped now", 2: "throttled now", 3: "too hot now"}
THROTTLED_BEFORE = {16: "too low a voltage", 17: "clock capped", 18: "throttled", 19: "too hot"}
"""Bits of the Raspberry Pi's get_throttled."""
RASPBERRY_PI = "Raspberry Pi"
OWN_GOVERNOR = "intel_pstate"
"""A driver whose governor ``powersave`` is no limit."""
CHECKSUMS = "files.sha256"
"""Name of the file of a device build that lists the SHA-256 of every other file, as sha256sum prints it."""
CHECKSUM_LINE = re.compile(r"([0-9a-f]{64})  ([^\0]+)")
NEEDED_FEATURES = {"aarch64": ("asimd",), "x86_64": ("sse4_2",)}
FAST_FEATURES = {"aarch64": ("asimddp",), "x86_64": ("avx2",)}


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    check: str
    """Name of the part of the machine that was checked."""
    state: str
    """GOOD, SLOW or BAD."""
    seen: str
    """The observation, for people."""
    remedy: str = ""
    """The advice; empty where nothing needs to be done."""


def examine(root: Path = Path("/"), build: Path | None = None) -> list[Finding]:
    """Return all findings about the system under ``root``, and about the device build in ``build`` if there is one."""
    checks: list[Callable[[Path], Iterator[Finding]]] = [
        _architecture, _userland, _kernel, _cpu_features, _sys, _memory, _memory_limits, _clock, _throttling,
        _temperature,
    ]  # fmt: skip
    findings = [finding for check in checks for finding in check(root)]
    return findings + (list(_build_files(build)) if build else [])


def _architecture(_: Path) -> Iterator[Finding]:
    machine = platform.machine()
    if machine in NEEDED_FEATURES:
        yield Finding("processor", GOOD, machine)
    else:
        yield Finding("processor", BAD, machine, "needs a 64-bit Arm or x86 kernel; install the 64-bit system")


def _userland(root: Path) -> Iterator[Finding]:
    """Tell the word size of the system's programs by the fifth byte of an ELF file."""
    try:
        with (root / "bin/sh").open("rb") as file:
            head = file.read(5)
    except OSError:
        return
    if head[:4] == b"\x7fELF" and head[4] == 1:
        remedy = "the self-contained build runs on it; pip finds no onnxruntime: install the 64-bit system"
        yield Finding("userland", SLOW, "32 bit on a 64-bit kernel", remedy)
    else:
        yield Finding("userland", GOOD, "64 bit")


def _kernel(root: Path) -> Iterator[Finding]:
    release = _text(root / "proc/sys/kernel/osrelease") or platform.release()
    found = re.match(r"(\d+)\.(\d+)", release)
    version = (int(found[1]), int(found[2])) if found else SLOW_KERNEL
    if version < OLDEST_KERNEL:
        yield Finding("kernel", BAD, release, f"needs Linux {'.'.join(map(str, OLDEST_KERNEL))}; update the system")
    elif version < SLOW_KERNEL:
        yield Finding("kernel", SLOW, release, "old; update the system if the recognizer misbehaves")
    else:
        yield Finding("kernel", GOOD, release)


def _cpu_features(root: Path) -> Iterator[Finding]:
    found = re.search(r"^(?:Features|flags)\s*: *(.*)$", _text(root / "proc/cpuinfo"), re.M)
    if not found:
        yield Finding("cpu features", BAD, "/proc/cpuinfo tells none", "mount /proc: onnxruntime reads it")
        return
    features, machine = set(found[1].split()), platform.machine()
    missing = [name for name in NEEDED_FEATURES.get(machine, ()) if name not in features]
    slow = [name for name in FAST_FEATURES.get(machine, ()) if name not in features]
    if missing:
        yield Finding("cpu features", BAD, f"no {', '.join(missing)}", "this processor cannot run onnxruntime")
    elif slow:
        yield Finding("cpu features", GOOD, f"no {', '.join(slow)}: int8 runs, at a fraction of a newer core's speed")
    else:
        yield Finding("cpu features", GOOD, ", ".join(FAST_FEATURES.get(machine, ())))


def _sys(root: Path) -> Iterator[Finding]:
    if _text(root / "sys/devices/system/cpu/possible"):
        yield Finding("/sys", GOOD, "mounted")
    else:
        remedy = "onnxruntime counts cores there: mount -t sysfs none /sys, or allow it in the sandbox or container"
        yield Finding("/sys", BAD, "tells no processors", remedy)


def _memory(root: Path) -> Iterator[Finding]:
    available = available_memory(root)
    if available is None:
        yield Finding("memory", SLOW, "/proc/meminfo does not tell", "mount /proc")
        return
    state = GOOD if available >= ENOUGH_MEMORY_MB else SLOW if available >= LEAST_MEMORY_MB else BAD
    remedy = "" if state == GOOD else f"stop other programs: {ENOUGH_MEMORY_MB} MB are enough for any text"
    yield Finding("memory", state, f"{available} MB available", remedy)


def _memory_limits(root: Path) -> Iterator[Finding]:
    """Tell where the kernel keeps none, as that of Raspberry Pi OS: systemd drops the limits of units in silence."""
    controllers = _text(root / "sys/fs/cgroup/cgroup.controllers").split()
    if controllers and "memory" not in controllers:
        remedy = "services may take all; add cgroup_enable=memory to the line of /boot/firmware/cmdline.txt, and reboot"
        yield Finding("memory limits", SLOW, "the kernel keeps none", remedy)


def _clock(root: Path) -> Iterator[Finding]:
    directory = root / "sys/devices/system/cpu/cpu0/cpufreq"
    limit, most = _text(directory / "scaling_max_freq"), _text(directory / "cpuinfo_max_freq")
    governor = _text(directory / "scaling_governor")
    if not (limit.isdigit() and most.isdigit()):
        return
    seen = f"at most {int(limit) / 1e6:.1f} of {int(most) / 1e6:.1f} GHz, governor {governor or 'unknown'}"
    if int(limit) < int(most):
        yield Finding("clock", SLOW, seen, f"echo {most} > {directory / 'scaling_max_freq'}, as root")
    elif governor == "powersave" and _text(directory / "scaling_driver") != OWN_GOVERNOR:
        yield Finding("clock", SLOW, seen, f"echo performance > {directory / 'scaling_governor'}, as root")
    else:
        yield Finding("clock", GOOD, seen)


def _throttling(root: Path) -> Iterator[Finding]:
    """Tell why a Raspberry Pi lowers its clock; other machines do not say, nor do all kernels of the Raspberry Pi 5."""
    platforms = root / "sys/devices/platform"
    files = [*platforms.glob("soc*/*firmware/get_throttled"), *platforms.glob("soc*firmware/get_throttled")]
    try:
        bits = int(next(map(_text, files), ""), 16)
    except ValueError:
        if RASPBERRY_PI in _text(root / "proc/device-tree/model"):
            yield Finding("throttling", GOOD, "this kernel does not tell; vcgencmd get_throttled does")
        return
    now = [words for bit, words in THROTTLED.items() if bits >> bit & 1]
    before = [words for bit, words in THROTTLED_BEFORE.items() if bits >> bit & 1]
    if now:
        yield Finding("throttling", SLOW, ", ".join(now), "a stronger power supply, or a heat sink")
    elif before:
        yield Finding("throttling", SLOW, f"since the start: {', '.join(before)}", "watch the supply and the heat")
    else:
        yield Finding("throttling", GOOD, "none since the start")


def _temperature(root: Path) -> Iterator[Finding]:
    degrees = [
        int(text) / 1000
        for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*"))
        if (text := _text(zone / "temp")).lstrip("-").isdigit()
    ]
    if degrees:
        hottest = max(degrees)
        state, remedy = (SLOW, "it lowers its clock; cool it") if hottest >= HOT else (GOOD, "")
        yield Finding("temperature", state, f"{hottest:.0f} °C", remedy)


def _build_files(build: Path) -> Iterator[Finding]:
    """Compare every file of a device build with CHECKSUMS, which must list all of its packages."""
    checksums = build / CHECKSUMS
    try:
        lines = checksums.read_text(encoding="utf-8", errors="replace").splitlines()
        matches = [match for match in map(CHECKSUM_LINE.fullmatch, lines) if match]
        digests = {name: digest for digest, name in (match.groups() for match in matches)}
        is_damaged = not lines or len(matches) < len(lines)
        wrong = f"{checksums} is damaged" if is_damaged else next(_wrong_files(build, digests), "")
    except OSError as error:
        wrong = f"{error.filename}: {error.strerror}"
    if wrong:
        yield Finding(
            "files",
            BAD,
            wrong,
            "delete the folder and start the .run again, or install the package, archive or image anew",
        )
    else:
        yield Finding("files", GOOD, f"{len(digests)} as they were built")


def _wrong_files(build: Path, digests: Mapping[str, str]) -> Iterator[str]:
    for path in (build / "site").rglob("*"):
        if path.is_file() and path.relative_to(build).as_posix() not in digests:
            yield f"{path} is not in the list of files"
    for name, digest in digests.items():
        with (build / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                yield f"{build / name} was changed"


def _text(path: Path) -> str:
    """Return the content of a small file, or an empty text where it cannot be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
