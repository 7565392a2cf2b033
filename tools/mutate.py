"""Run the tests against every mutant that mutmut makes of the code, and print a table of how many they notice.

    make mutate MUTANTS='edgener.decode.*'

mutmut changes the code and notes which tests reach which function, but it collects the tests anew for each mutant. Here
they are collected once; each mutant is a fork of that process, in which its tests run, fast ones first, up to the first
that fails. Mutants come in random order, so that a part of a run is a fair sample. Results are kept in mutants/: a run
that was ended goes on where it stopped, and ``mutmut show`` reads them too.

A mutant has timed out when one of its tests uses more than eight times its usual processor time, or when it waits for a
minute without using any. Time in which the machine does something else does not count.
"""

from __future__ import annotations

import argparse
import fnmatch
import math
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

import pytest
from mutmut.__main__ import collect_or_load_stats, create_mutants, store_lines_covered_by_tests
from mutmut.configuration import config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir, setup_source_paths, walk_mutatable_files
from mutmut.utils.format_utils import mangled_name_from_mutant_name
from mutmut.workers.isolation import get_mutant_runner

KILLED, NO_TESTS, BROKEN, WAITED = 1, 33, 35, 36
"""Exit codes of mutmut: a test failed, no test reaches it, its tests could not be run, it waited for too long."""
LEAST_SECONDS = 5
"""Processor time that each test of a mutant has besides ``timeout_multiplier`` times what it usually takes."""
MOST_SECONDS_WAITING = 60
NOTICED = ("killed", "timeout", "segfault")
PULSE = 0.02
"""Seconds between two looks at the mutants that run."""


class Mutant(NamedTuple):
    """A mutant, and the tests that reach its function."""

    name: str
    file: SourceFileMutationData
    tests: tuple[str, ...]
    """Names of the tests, fast ones first."""


@dataclass
class Running:
    """A mutant whose tests run in a process of their own."""

    mutant: Mutant
    ticks: int = 0
    """Processor time that the process had used when it was last seen to use some."""
    since: float = 0.0
    """When that was."""

    def waits(self, pid: int) -> bool:
        """Return True if the process has waited for too long; one that another process keeps from running does not."""
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks, now = int(fields[11]) + int(fields[12]), time.monotonic()
        if ticks != self.ticks or fields[0] == "R":
            self.ticks, self.since = ticks, now
        return now - self.since > MOST_SECONDS_WAITING


class Loop:
    """The plugin of pytest that runs the mutants in place of the tests."""

    def __init__(self, mutants: Sequence[Mutant], processes: int, longest: float, log: TextIO) -> None:
        self._mutants, self._processes, self._longest, self._log = mutants, processes, longest, log
        self._running: dict[int, Running] = {}
        self._done = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run all mutants, so many at a time."""
        seconds = state().duration_by_test
        items = {item.nodeid: item for item in session.items if seconds.get(item.nodeid, 0) <= self._longest}
        reached = {test for mutant in self._mutants for test in mutant.tests}
        _check(session, [item for name, item in items.items() if name in reached])
        for mutant in self._mutants:
            while len(self._running) >= self._processes:
                self._reap()
            tests = [items[test] for test in mutant.tests if test in items]
            if tests:
                self._running[_start(session, tests, mutant.name)] = Running(mutant, since=time.monotonic())
            else:
                self._keep(mutant, NO_TESTS)
        while self._running:
            self._reap()
        return True

    def _keep(self, mutant: Mutant, code: int) -> None:
        self._done += 1
        print(f"{self._done} of {len(self._mutants)} {status_by_exit_code[code]} {mutant.name}", file=self._log)
        mutant.file.exit_code_by_key[mutant.name] = code
        mutant.file.save()

    def _reap(self) -> None:
        for pid, running in list(self._running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._keep(running.mutant, os.waitstatus_to_exitcode(status))
                self._end(pid)
            elif running.waits(pid):
                os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                self._keep(running.mutant, WAITED)
                self._end(pid)
        time.sleep(PULSE)

    def _end(self, pid: int) -> None:
        """Forget a mutant, with the processes and the files that it left."""
        del self._running[pid]
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        shutil.rmtree(_scratch(pid), ignore_errors=True)


def _check(session: pytest.Session, tests: Sequence[pytest.Item]) -> None:
    """Stop unless the tests pass without a mutant, and fail where every function fails."""
    for name, expected in (("", 0), ("fail", KILLED)):
        status = os.waitpid(_start(session, tests, name), 0)[1]
        if os.waitstatus_to_exitcode(status) != expected:
            raise SystemExit(f"the tests {'pass with a function that fails' if expected else 'fail without a mutant'}")


def _start(session: pytest.Session, tests: Sequence[pytest.Item], name: str) -> int:
    """Start the tests of a mutant in a process of their own and return its id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        os._exit(_failures(session, tests, name))
    finally:
        os._exit(BROKEN)


def _failures(session: pytest.Session, tests: Sequence[pytest.Item], name: str) -> int:
    """Run tests up to the first that fails; return 1 if one fails, else 0."""
    manager = session.config.pluginmanager.getplugin("capturemanager")
    manager.stop_global_capturing()  # its files are shared with the parent's
    manager.start_global_capturing()
    scratch = _scratch(os.getpid())
    scratch.mkdir()
    os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.tempdir = str(scratch)
    set_mutant_under_test(name)
    for test, following in zip(tests, [*tests[1:], None], strict=True):
        seconds = LEAST_SECONDS + config().timeout_multiplier * state().duration_by_test[test.nodeid]
        most = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + seconds), most))
        session.config.hook.pytest_runtest_protocol(item=test, nextitem=following)
        if session.testsfailed:
            return KILLED
    return 0


def _scratch(pid: int) -> Path:
    return Path(f"/tmp/mutant-{pid}")


def _generate() -> None:
    """Write the mutants, and find which tests reach them, unless that is done."""
    set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir(exist_ok=True)
    copy_src_dir()
    copy_also_copy_files()
    setup_source_paths()
    store_lines_covered_by_tests()
    create_mutants(os.cpu_count() or 1)
    collect_or_load_stats(get_mutant_runner(1), apply_config_invalidation=True)


def _files() -> Iterator[SourceFileMutationData]:
    for path in walk_mutatable_files():
        file = SourceFileMutationData(path=path)
        file.load()
        if file.exit_code_by_key:
            yield file


def _mutants(files: Sequence[SourceFileMutationData], patterns: Sequence[str], again: str) -> list[Mutant]:
    """Return the mutants that match a pattern and have no result, or whose result is ``again``."""
    tests, seconds = state().tests_by_mangled_function_name, state().duration_by_test
    found = []
    for file in files:
        for name, code in file.exit_code_by_key.items():
            is_wanted = any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
            if is_wanted and (code is None or status_by_exit_code[code] == again):
                reached = tests.get(mangled_name_from_mutant_name(name), set())
                found.append(Mutant(name, file, tuple(sorted(reached, key=seconds.__getitem__))))
    random.Random(0).shuffle(found)
    return found


def table(files: Sequence[SourceFileMutationData]) -> str:
    """Return a table of the results by file, with those of all files at the end, and the mutants that survived."""
    rows, survivors, total = [], [], Counter[str]()
    for file in files:
        statuses = {name: status_by_exit_code[code] for name, code in file.exit_code_by_key.items()}
        counts = Counter(statuses.values())
        total += counts
        rows.append(_row(str(file.path).removeprefix("src/"), counts))
        survivors += [f"{name}: {status}" for name, status in statuses.items() if status in ("survived", "no tests")]
    head = f"{'file':50} {'mutants':>8} {'tested':>8} {'noticed':>8} {'timeout':>8} {'score':>7}"
    return "\n".join([*survivors, "", head, *rows, _row("all", total), ""])


def _row(name: str, counts: Counter[str]) -> str:
    tested = counts.total() - counts["not checked"]
    noticed = sum(counts[status] for status in NOTICED)
    score = f"{100 * noticed / tested:.1f} %" if tested else "-"
    return f"{name:50} {counts.total():8} {tested:8} {noticed:8} {counts['timeout']:8} {score:>7}"


def main() -> int:
    """Run the mutants that the command line names; return 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mutants", nargs="*", default=["*"], help="patterns of names; default: all")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="default: all cores")
    parser.add_argument(
        "--longest", type=float, default=1.0, metavar="SECONDS", help="leave out tests that take longer; default: 1"
    )
    parser.add_argument("--again", default="", metavar="STATUS", help="run those with this status again, as 'survived'")
    parser.add_argument("--table", action="store_true", help="print the results so far, and run nothing")
    options = parser.parse_args()
    os.environ.setdefault("HYPOTHESIS_PROFILE", "mutate")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if not options.table:
        _generate()
    files = list(_files())
    if not options.table:
        log = os.fdopen(os.dup(2), "w", buffering=1)  # pytest captures what is written to the other
        mutants = _mutants(files, options.mutants, options.again)
        for file in files:
            file.meta_path = file.meta_path.absolute()
        os.chdir("mutants")
        set_mutant_under_test("")
        pytest.main(
            ["--rootdir=.", "-p", "no:terminal", *config().pytest_add_cli_args_test_selection,
             *config().pytest_add_cli_args],
            plugins=[Loop(mutants, options.processes, options.longest, log)],
        )  # fmt: skip
    print(table(files))
    return 0


if __name__ == "__main__":
    sys.exit(main())
