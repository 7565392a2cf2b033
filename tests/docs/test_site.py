"""The web site builds from the pages without a warning and without the network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT


def test_the_site_builds_without_warnings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    folders = ["--doctree-dir", f"{tmp_path}/trees", f"{ROOT}/docs", f"{tmp_path}/site"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    finished = subprocess.run([*command, *folders], capture_output=True, text=True, check=False, env=environment)
    assert finished.returncode == 0, finished.stderr
    start = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "快速上手" in start
    assert (tmp_path / "site" / "zh" / "quick-start.html").is_file()
    assert "Recognizer.load" in (tmp_path / "site" / "reference.html").read_text(encoding="utf-8")
