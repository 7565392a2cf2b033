"""Without the extra, the exporter names the command that mends it."""

from __future__ import annotations

import subprocess
import sys

from tests.support import ROOT

REMEDY = (
    "edgener_export needs torch, transformers, optimum, onnx, matplotlib, jinja2: pip install '.[export]' in a clone "
    "of edgener"
)


def import_exporter(program: str) -> subprocess.CompletedProcess[str]:
    """Import the exporter, started as ``program``, in an interpreter without any packages."""
    paths = [str(ROOT / "runtime"), str(ROOT / "export")]
    code = f"import sys; sys.path[:0] = {paths!r}; sys.argv = [{program!r}]; import edgener_export"
    return subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)


def test_the_import_error_names_the_command() -> None:
    finished = import_exporter("program.py")
    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1] == f"ImportError: {REMEDY}"


def test_the_command_line_says_so_without_a_traceback() -> None:
    finished = import_exporter("/usr/bin/edgener-export")
    assert finished.returncode == 1
    assert finished.stderr == f"{REMEDY}\n"
