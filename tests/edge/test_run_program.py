"""Programs of the host: what is told where one is missing, fails, or finds the disk full."""

from __future__ import annotations

import errno
import os

import pytest

from edgener_edge.errors import ToolError
from edgener_edge.run_program import run_program


def test_the_output_of_a_program_is_returned() -> None:
    assert run_program(["sh", "-c", "echo out; echo err >&2"], "install it") == "out\n"


def test_a_program_that_is_missing_is_named_with_the_remedy() -> None:
    with pytest.raises(ToolError, match=r"no-such-program: cannot be started: .*; install it"):
        run_program(["no-such-program"], "install it")


def test_a_program_that_fails_is_told_with_what_it_said() -> None:
    with pytest.raises(ToolError, match="sh ended with 3; install it\\nbroken"):
        run_program(["sh", "-c", "echo broken >&2; exit 3"], "install it")


@pytest.mark.parametrize("env", [None, {"PATH": os.environ["PATH"], "LC_ALL": "zh_CN.UTF-8"}])
def test_a_full_disk_is_no_fault_of_the_program(env: dict[str, str] | None) -> None:
    with pytest.raises(OSError, match="No space left on device: 'sh'") as raised:
        run_program(["sh", "-c", "cat /proc/version > /dev/full"], "install it", env=env)
    assert raised.value.errno == errno.ENOSPC
