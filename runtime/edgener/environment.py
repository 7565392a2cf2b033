"""Versions, processor, memory and model: the machine as the recognizer finds it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edgener.memory import available_memory

LIBRARIES = ("onnxruntime", "numpy", "tokenizers")
INT8_FEATURES = {
    "avx2": "int8 products in 256-bit registers",
    "avx_vnni": "int8 dot products in 256-bit registers",
    "avx512_vnni": "int8 dot products in 512-bit registers",
    "amx_int8": "int8 tiles",
    "asimd": "int8 products in 128-bit registers",
    "asimddp": "int8 dot products: Raspberry Pi 5, Jetson Orin",
    "i8mm": "int8 matrix products",
    "sve": "scalable vectors",
}
"""Names as in /proc/cpuinfo."""


@dataclass(frozen=True)
class Environment:
    """Everything that changes how fast, or whether, the recognizer runs."""

    edgener: str
    """Version of edgener."""
    python: str
    """Version of Python."""
    libraries: dict[str, str]
    """Version of each library that the recognizer runs on."""
    system: str
    """Versions of the kernel and of the C library."""
    machine: str
    """Architecture of the processor, as x86_64 or aarch64."""
    processor: str
    """Name of the processor, where the system tells it."""
    cpu_features: tuple[str, ...]
    """The names in INT8_FEATURES that the processor has."""
    cores: int
    """Processors that this process may run on: the most threads that make sense."""
    memory_total_mb: int
    """Memory of the machine, in units of 1024 kB."""
    memory_available_mb: int
    """Memory that this process may still take, also by the limits of its container or service."""
    default_bundle: str
    """Directory of the model that is used when none is named: the installed one, else the built-in one."""


def read_environment() -> Environment:
    """Return what the running system tells of itself; a field that it does not tell is empty or 0.

    Raises BundleUnreadableError where this user may not look into the directory that EDGENER_MODELS names.
    """
    from edgener import __version__
    from edgener.installed import current_model

    cpu = _colon_separated(Path("/proc/cpuinfo"))
    memory = _colon_separated(Path("/proc/meminfo"))
    features = set((cpu.get("flags") or cpu.get("Features") or "").split())
    return Environment(
        edgener=__version__,
        python=platform.python_version(),
        libraries={name: library_version(name) for name in LIBRARIES},
        system=f"{platform.system()} {platform.release()}, {' '.join(platform.libc_ver())}",
        machine=platform.machine(),
        processor=cpu.get("model name") or cpu.get("Model") or cpu.get("CPU part") or "",
        cpu_features=tuple(name for name in INT8_FEATURES if name in features),
        cores=len(os.sched_getaffinity(0)),
        memory_total_mb=_kilobytes(memory.get("MemTotal", "0 kB")) // 1024,
        memory_available_mb=available_memory() or 0,
        default_bundle=str(current_model()),
    )


def library_version(distribution: str) -> str:
    """Return the version of an installed distribution, or ``not installed``."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _colon_separated(path: Path) -> dict[str, str]:
    """Return the first value of each key of a file of ``key : value`` lines; nothing where there is no such file."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return {}
    values: dict[str, str] = {}
    for line in lines:
        key, separator, value = line.partition(":")
        if separator:
            values.setdefault(key.strip(), value.strip())
    return values


def _kilobytes(text: str) -> int:
    return int(text.split()[0])
