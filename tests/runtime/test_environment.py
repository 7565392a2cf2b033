"""The environment is what the system's files tell, field by field."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import pytest

from edgener import __version__, environment
from edgener.built_in import DEFAULT_BUNDLE
from edgener.environment import Environment, _colon_separated, library_version, read_environment

X86 = {"model name": "Some Core", "flags": "fpu amx_int8 avx2", "Model": "another", "CPU part": "0xd08"}
RASPBERRY = {"Features": "fp asimddp asimd", "Model": "Raspberry Pi 5", "CPU part": "0xd0b"}
JETSON = {"Features": "fp asimd", "CPU part": "0xd42"}


def environment_of(cpu: dict[str, str], memory: dict[str, str], patch: pytest.MonkeyPatch) -> Environment:
    """Return the environment of a machine with these contents of /proc."""
    files = {Path("/proc/cpuinfo"): cpu, Path("/proc/meminfo"): memory}
    patch.setattr(environment, "_colon_separated", files.__getitem__)
    patch.setattr(environment, "available_memory", lambda: 1000 if memory else None)
    return read_environment()


@pytest.mark.parametrize(
    ("cpu", "processor", "features"),
    [
        (X86, "Some Core", ("avx2", "amx_int8")),
        (RASPBERRY, "Raspberry Pi 5", ("asimd", "asimddp")),
        (JETSON, "0xd42", ("asimd",)),
        ({}, "", ()),
    ],
    ids=["x86", "raspberry", "jetson", "nothing"],
)
def test_every_field_is_what_the_system_tells(
    cpu: dict[str, str],
    processor: str,
    features: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EDGENER_MODELS", str(tmp_path))
    found = environment_of(cpu, {"MemTotal": "2048000 kB"}, monkeypatch)
    assert found == Environment(
        edgener=__version__,
        python=platform.python_version(),
        libraries={name: version(name) for name in ("onnxruntime", "numpy", "tokenizers")},
        system=f"{platform.system()} {platform.release()}, {' '.join(platform.libc_ver())}",
        machine=platform.machine(),
        processor=processor,
        cpu_features=features,
        cores=len(os.sched_getaffinity(0)),
        memory_total_mb=2000,
        memory_available_mb=1000,
        default_bundle=str(DEFAULT_BUNDLE),
    )


def test_memory_that_the_system_does_not_tell_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = environment_of({}, {}, monkeypatch)
    assert (found.memory_total_mb, found.memory_available_mb) == (0, 0)


def test_the_first_value_of_each_key_counts(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_bytes(b"processor\t: 0\nno value\nModel : Pi: 5 \xff\nprocessor : 1\nempty:\n\n")
    assert _colon_separated(path) == {"processor": "0", "Model": "Pi: 5 \ufffd", "empty": ""}
    assert _colon_separated(tmp_path / "missing") == {}


def test_a_library_that_is_not_there_is_told() -> None:
    assert library_version("edgener-has-no-such-library") == "not installed"
