"""Without the extra, importing the exporter names the command that mends it."""

from __future__ import annotations

import subprocess
import sys

from tests.support import ROOT


def test_the_import_error_names_the_command() -> None:
    code = f"import sys; sys.path[:0] = [{str(ROOT / 'runtime')!r}, {str(ROOT / 'export')!r}]; import edgener_export"
    without_packages = [sys.executable, "-I", "-S", "-c", code]
    finished = subprocess.run(without_packages, capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    last = finished.stderr.splitlines()[-1]
    assert last.startswith("ImportError: edgener_export needs torch, transformers, optimum, onnx: ")
    assert last.endswith("pip install 'edgener[export]'")
