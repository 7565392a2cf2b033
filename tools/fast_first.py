"""A plugin of pytest that runs the tests that took least time first, those of a named file before all others.

`-p tools.fast_first` reads and writes the seconds of each test in the file that the variable FAST_FIRST_SECONDS names;
tests in files whose names contain FAST_FIRST_NAME come first.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

SECONDS_FILE, FIRST = "FAST_FIRST_SECONDS", "FAST_FIRST_NAME"
"""Names of the environment variables."""

_measured: dict[str, float] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests; those that have not run yet come last."""
    path = Path(os.environ[SECONDS_FILE])
    seconds = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    first = os.environ.get(FIRST, "")
    items.sort(key=lambda item: (not (first and first in item.path.name), seconds.get(item.nodeid, float("inf"))))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up the time of a test's set-up, call and tear-down."""
    _measured[report.nodeid] = _measured.get(report.nodeid, 0) + report.duration


def pytest_sessionfinish(exitstatus: int) -> None:
    """Keep the seconds of a session in which every test passed."""
    if exitstatus == pytest.ExitCode.OK:
        Path(os.environ[SECONDS_FILE]).write_text(json.dumps(_measured), encoding="utf-8")
