"""Fixtures of all tests, and how hypothesis looks for examples."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from edgener import Recognizer
from tests.support import TINY_BUNDLE

# A shell starts background jobs with Ctrl-C ignored, and nohup ignores SIGHUP; programs inherit that, and the tests
# send both to theirs.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

settings.register_profile(
    "same-every-time",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", settings.get_profile("same-every-time"), derandomize=False, max_examples=2000)
settings.register_profile("mutate", settings.get_profile("same-every-time"), max_examples=25)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same-every-time"))


@pytest.fixture(scope="session")
def recognizer() -> Recognizer:
    """The tiny model."""
    return Recognizer.load(TINY_BUNDLE)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the tiny bundle that a test may damage."""
    return shutil.copytree(TINY_BUNDLE, tmp_path / "bundle")
