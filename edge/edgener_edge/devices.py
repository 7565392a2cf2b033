"""The devices that a build can be made for, as data."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from edgener_edge.errors import DeviceError


@dataclass(frozen=True)
class Platform:
    """The names that one processor family has in Linux, Debian and Python packaging."""

    machine: str
    """Name of the machine as ``uname -m`` prints it."""
    debian: str
    """Debian's name of the architecture."""
    triplet: str
    """Name of the directory of its libraries."""
    loader: str
    """File name of glibc's program loader."""
    wheel_tags: tuple[str, ...]
    """Platform tags of wheels that run there; pip does not widen a tag by itself."""


AARCH64 = Platform(
    "aarch64",
    "arm64",
    "aarch64-linux-gnu",
    "ld-linux-aarch64.so.1",
    ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
)
X86_64 = Platform(
    "x86_64",
    "amd64",
    "x86_64-linux-gnu",
    "ld-linux-x86-64.so.2",
    ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
)
PLATFORMS = {platform.machine: platform for platform in (AARCH64, X86_64)}


@dataclass(frozen=True)
class Device:
    """A machine, or a family of them, that a build is made for."""

    name: str
    """Name that ``--device`` takes."""
    title: str
    """Name that people read."""
    platform: Platform
    """Platform of its programs."""
    core: str
    """Name of its processor's cores."""
    qemu_cpu: str
    """QEMU's model of its processor; empty where a build runs on the host itself."""
    dot_product: bool
    """True if its cores have dot products of int8, which decides the kernels that onnxruntime picks."""
    cores: int
    """Number of its processor's cores."""
    memory_mb: int
    """Memory of the smallest variant in MB."""
    threads: int
    """Number of threads that a build uses unless told otherwise."""
    system: str
    """Its usual system, with the Python and glibc that ``--interpreter device`` would meet there."""
    note: str
    """A remark for those who buy or install it."""
    has_gpu: bool = False
    """True if a build carries the model's fp16 graph, for a GPU."""


DEVICES = (
    Device(
        "pi3", "Raspberry Pi 3", AARCH64, "Cortex-A53", "cortex-a53", False, 4, 1024, 4,
        "Raspberry Pi OS 12, 64 bit: Python 3.11, glibc 2.36", "also Zero 2 W, which has 512 MB",
    ),
    Device(
        "pi4", "Raspberry Pi 4", AARCH64, "Cortex-A72", "cortex-a72", False, 4, 1024, 4,
        "Raspberry Pi OS 12, 64 bit: Python 3.11, glibc 2.36", "onnxruntime 1.21.0 dies of an illegal instruction",
    ),
    Device(
        "pi5", "Raspberry Pi 5", AARCH64, "Cortex-A76", "cortex-a76", True, 4, 2048, 4,
        "Raspberry Pi OS 12, 64 bit: Python 3.11, glibc 2.36", "int8 dot products: several times a Pi 4",
    ),
    Device(
        "jetson-orin", "Jetson Orin", AARCH64, "Cortex-A78AE", "cortex-a76", True, 6, 4096, 4,
        "JetPack 6: Python 3.10, glibc 2.35", "runs on the CPU; onnxruntime 1.21 and 1.22 crash on some of them",
        has_gpu=True,
    ),
    Device(
        "aarch64", "any 64-bit Arm", AARCH64, "ARMv8.0 and newer", "cortex-a53", False, 1, 512, 1,
        "any Linux of 64 bit", "the same programs as for the boards, one thread",
    ),
    Device(
        "x86-64", "a PC or a container", X86_64, "SSE4.2 and newer", "", False, 1, 512, 1,
        "any Linux of 64 bit", "runs where it is built",
    ),
)  # fmt: skip
AVOIDED = {"onnxruntime": ("1.21.0", "1.21.1", "1.22.0")}
"""Versions that die on one of the devices; the lock file never holds them."""
CPU_FEATURES = {
    "cortex-a53": ("0xd03", "fp asimd evtstrm crc32 cpuid"),
    "cortex-a72": ("0xd08", "fp asimd evtstrm crc32 cpuid"),
    "cortex-a76": (
        "0xd0b",
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
    ),
}
"""Part number and features of each CPU model of QEMU, as Linux prints them in /proc/cpuinfo."""


def find_device(name: str) -> Device:
    """The device called ``name``; raises DeviceError with the known names."""
    for device in DEVICES:
        if device.name == name:
            return device
    raise DeviceError(f"{name}: no such device; known: {', '.join(device.name for device in DEVICES)}")


def host_platform() -> Platform:
    """The platform of this machine; raises DeviceError where no build could be made on it."""
    machine = platform.machine()
    if machine not in PLATFORMS:
        raise DeviceError(f"this machine is a {machine}; device builds are made on {' or '.join(PLATFORMS)}")
    return PLATFORMS[machine]
