"""A virtual environment for each contender, made once and kept."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.bench.contenders import ROOT, Contender

PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")
NOT_COUNTED = ("pip", "pip-", "setuptools", "setuptools-", "_distutils_hack")
"""Starts of what venv itself puts into an environment."""
RUNTIME = ROOT / "runtime"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class InstallError(Exception):
    """An environment that could not be made; the message is pip's."""


@dataclass(frozen=True)
class Environment:
    """An environment in which a contender's libraries are installed."""

    python: Path
    """Its interpreter."""
    installed_mb: float | None
    """Size of the contender with all it needs, the interpreter aside; None in an environment that others use too."""


def environment_for(contender: Contender, cache: Path, existing: Mapping[str, Path]) -> Environment:
    """The contender's environment: one of ``existing`` by name, or made in ``cache`` at the first call."""
    if contender.environment in existing:
        return Environment(existing[contender.environment], None)
    install = ("install", *(["--no-deps"] if contender.runs_on_requirements_alone else []), *contender.requirements)
    digest = hashlib.sha256("\n".join((sys.version, *install)).encode()).hexdigest()[:12]
    directory = cache / "environments" / f"{contender.environment}-{digest}"
    python = directory / "bin" / "python"
    complete = directory / "complete"
    if not complete.exists():
        _run(sys.executable, "-m", "venv", "--clear", str(directory))
        _run(str(python), *PIP, *install)
        complete.touch()
    return Environment(python, (_libraries_size(directory) + _own_size(contender)) / 1e6)


def process_environment(contender: Contender) -> dict[str, str]:
    """Variables of a process that computes on as many cores as the contender is told."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables |= dict.fromkeys(THREAD_VARIABLES, str(contender.options.threads))
    variables |= {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "ORT_DISABLE_TELEMETRY": "1"}
    return variables | ({"PYTHONPATH": str(RUNTIME)} if contender.is_ours else {})


def _libraries_size(directory: Path) -> int:
    (packages,) = directory.glob("lib/python*/site-packages")
    return sum(_size(entry) for entry in packages.iterdir() if not entry.name.startswith(NOT_COUNTED))


def _own_size(contender: Contender) -> int:
    """Ours is run from this tree with the bundle that is measured, not with the built-in one."""
    if not contender.is_ours:
        return 0
    modules = sum(path.stat().st_size for path in (RUNTIME / "edgener").glob("*.py"))
    return modules + _size(Path(contender.options.bundle))


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file() and not file.is_symlink())


def _run(*command: str) -> None:
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise InstallError(f"{' '.join(command)}: {finished.stderr.strip()[-500:]}")
