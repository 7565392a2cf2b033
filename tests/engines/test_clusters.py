"""Two local nodes, one of which is killed in the middle: every row has one answer, that of ``edgener map``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support import ROOT

pytestmark = pytest.mark.engines
SECONDS = 900
"""Time limit of each of the two jobs, since an engine that waits for a core says nothing."""


@pytest.mark.parametrize("engine", ["ray", "spark"])
def test_a_cluster_that_loses_one_of_two_nodes_gives_every_row_one_answer(engine: str) -> None:
    command = [sys.executable, "-m", "tools.engines", engine, "--kill", "--rows", "3000", "--seconds", str(SECONDS)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr + finished.stdout
    report = json.loads(finished.stdout)
    assert report["faults"] == []
    done, total = report["job"]["done_at_the_kill"], report["job"]["total"]
    assert 0 < done < total, "the kill came too late to show anything"
    assert report["job"]["nodes_left"] == 1
