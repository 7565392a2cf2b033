"""Run tests that start processes against a random sample of mutants, and print how many they notice.

    make mutate-processes SAMPLE=200

tools/mutate.py chooses the mutant in its own process, so it leaves out the modules whose tests start servers and
workers: those under `do_not_mutate` in pyproject.toml. Here each of mutmut's mutants of such a module is written into a
copy of the repository, in which pytest runs up to the first test that fails. That takes seconds a mutant, and minutes
where no test notices it, so a sample is run; mutants come in one random order, and those that have a result are not run
again.
"""

from __future__ import annotations

import argparse
import difflib
import fnmatch
import hashlib
import json
import math
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from libcst import Module
from mutmut.mutation.file_mutation import Mutation, create_mutations

from edgener.dataclass_json import from_plain
from edgener.table import table
from tools.fast_first import FIRST, SECONDS_FILE

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "mutate-processes"
RESULTS = WORK / "results.jsonl"
CORPORA = ("tests/runtime/corpora",)
SERVICE = ("tests/serve", "tests/runtime/test_service.py", "tests/docs/test_openapi_document.py")
CLIENT = ("tests/serve/test_client.py",)
TESTS = {"corpora": CORPORA, "serve": SERVICE, "client": CLIENT, "client_answers": CLIENT, "client_requests": CLIENT}
"""The tests of a module, by the first part of its name."""
LEFT_OUT = ("bundles/", "export/recipes/")
"""Large folders that these tests need not."""
SECONDS_A_TEST = 60
"""A test that takes longer has noticed a mutant that waits for ever."""
KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timeout"


@dataclass(frozen=True)
class Mutant:
    """A module with one change."""

    module: str
    """Path of the module in the package, as serve/tokens.py."""
    tree: Module
    mutation: Mutation

    @cached_property
    def source(self) -> str:
        """The whole changed source."""
        changed = self.tree.deep_replace(self.mutation.original_node, self.mutation.mutated_node)
        assert isinstance(changed, Module)
        code: str = changed.code
        return code

    @cached_property
    def change(self) -> str:
        """The lines that differ."""
        lines = difflib.unified_diff(self.tree.code.splitlines(), self.source.splitlines(), n=0, lineterm="")
        return "\n".join(line for line in lines if not line.startswith(("---", "+++")))

    @cached_property
    def name(self) -> str:
        """The module and what its changed source hashes to."""
        return f"{self.module}:{hashlib.sha256(self.source.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Result:
    """A line of the results."""

    name: str
    status: str
    noticed_by: str
    """The last line that pytest printed of a test that failed."""
    change: str
    seconds: float


def modules() -> list[str]:
    """Return the paths in the package of the modules that tools/mutate.py leaves out."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [path.removeprefix("src/edgener/") for path in configuration["tool"]["mutmut"]["do_not_mutate"]]


def mutants(module: str) -> list[Mutant]:
    """Return every mutant that mutmut makes of the functions of a module."""
    path = ROOT / "runtime" / "edgener" / module
    tree, mutations, _, _ = create_mutations(str(path), path.read_text(encoding="utf-8"))
    return [Mutant(module, tree, each) for each in mutations if each.contained_by_top_level_function is not None]


def copy_repository(directory: Path) -> Path:
    """Copy what git does not ignore into a directory, compiled, and return it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if not name.startswith(LEFT_OUT) and (ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, directory / name)
    subprocess.run([sys.executable, "-m", "compileall", "-q", "runtime", "tests"], cwd=directory, check=True)
    return directory


def run_tests(directory: Path, module: str, seconds: float = math.inf) -> tuple[str, str]:
    """Run the tests of a module in a copy of the repository; return the status and the test that noticed it."""
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(directory / part) for part in ("runtime", "export", "edge", "")),
        "PYTHONDONTWRITEBYTECODE": "1",  # what is compiled of a changed file would be taken for the next one's
        "OMP_NUM_THREADS": "1",
        "HYPOTHESIS_PROFILE": "mutate",
        SECONDS_FILE: str(directory.parent / f"seconds-{_part(module)}.json"),
        FIRST: Path(module).stem,
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider",
               "-p", "tools.fast_first", "--timeout", str(SECONDS_A_TEST), *TESTS[_part(module)]]  # fmt: skip
    with subprocess.Popen(
        command, cwd=directory, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            output, _ = process.communicate(timeout=None if seconds == math.inf else seconds)
        except subprocess.TimeoutExpired:
            return TIMED_OUT, ""
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode == 0:
        return SURVIVED, ""
    failures = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return KILLED, (failures or output.splitlines() or [""])[-1]


def _part(module: str) -> str:
    return Path(module).with_suffix("").parts[0]


def run_mutant(directories: queue.Queue[Path], mutant: Mutant, longest: float) -> Result:
    """Run the tests of a mutant in one of the copies."""
    directory, started = directories.get(), time.monotonic()
    path = directory / "runtime" / "edgener" / mutant.module
    original = path.read_bytes()
    try:
        path.write_text(mutant.source, encoding="utf-8")
        status, noticed_by = run_tests(directory, mutant.module, longest)
    finally:
        path.write_bytes(original)
        directories.put(directory)
    return Result(mutant.name, status, noticed_by, mutant.change, round(time.monotonic() - started, 1))


def read_results() -> dict[str, Result]:
    """Return the results so far, by the names of the mutants."""
    if not RESULTS.exists():
        return {}
    lines = RESULTS.read_text(encoding="utf-8").splitlines()
    return {result.name: result for result in (from_plain(Result, json.loads(line)) for line in lines)}


def interval(noticed: int, tested: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share (Wilson, 1927), in percent."""
    z = 1.96
    share, width = noticed / tested, z / (1 + z * z / tested)
    middle = (share + z * z / (2 * tested)) / (1 + z * z / tested)
    half = width * math.sqrt(share * (1 - share) / tested + z * z / (4 * tested * tested))
    return 100 * (middle - half), 100 * (middle + half)


def report(chosen: Sequence[Mutant], results: dict[str, Result]) -> str:
    """Return the changes that no test noticed, and a table of the results by module."""
    counts, noticed, survivors = Counter[str](), Counter[str](), []
    for mutant in chosen:
        if result := results.get(mutant.name):
            counts[mutant.module] += 1
            noticed[mutant.module] += result.status != SURVIVED
            survivors += [f"{mutant.name}\n{mutant.change}"] if result.status == SURVIVED else []
    rows = [("module", "tested", "noticed", "score")]
    for module in sorted(counts):
        share = f"{100 * noticed[module] / counts[module]:.0f} %"
        rows.append((module, str(counts[module]), str(noticed[module]), share))
    if tested := counts.total():
        low, high = interval(noticed.total(), tested)
        share = f"{100 * noticed.total() / tested:.1f} % ({low:.0f} to {high:.0f})"
        rows.append(("all", str(tested), str(noticed.total()), share))
    return "\n\n".join([*survivors, table(rows)])


def main() -> int:
    """Run the mutants that the command line names; return 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", default=["*"], help="patterns of paths, as serve/*.py; default: all")
    parser.add_argument("--sample", type=int, default=200, help="number of mutants; default: 200")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="default: all cores")
    parser.add_argument("--again", action="store_true", help="run those that survived again, after new tests")
    parser.add_argument("--table", action="store_true", help="print the results so far, and run nothing")
    options = parser.parse_args()
    wanted = [path for path in modules() if any(fnmatch.fnmatch(path, pattern) for pattern in options.modules)]
    everything = [mutant for module in wanted for mutant in mutants(module)]
    random.Random(0).shuffle(everything)
    chosen, results = everything[: options.sample], read_results()
    left = [
        mutant
        for mutant in chosen
        if mutant.name not in results or (options.again and results[mutant.name].status == SURVIVED)
    ]
    print(f"{len(everything)} mutants of {len(wanted)} modules, {len(left)} of the sample of {len(chosen)} left")
    if left and not options.table:
        shutil.rmtree(WORK / "copies", ignore_errors=True)
        copies = [copy_repository(WORK / "copies" / str(number)) for number in range(options.processes)]
        longest = {part: _whole_run(copies[0], part) for part in {_part(mutant.module) for mutant in left}}
        directories: queue.Queue[Path] = queue.Queue()
        for copy in copies:
            directories.put(copy)
        with ThreadPoolExecutor(options.processes) as pool, RESULTS.open("a", encoding="utf-8") as file:
            jobs = [pool.submit(run_mutant, directories, each, longest[_part(each.module)]) for each in left]
            for number, job in enumerate(jobs, 1):
                result = job.result()
                file.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")
                file.flush()
                print(f"{number} of {len(left)} {result.status} {result.name} {result.seconds} s", file=sys.stderr)
        results = read_results()
    print(report(chosen, results), end="")
    return 0


def _whole_run(directory: Path, part: str) -> float:
    """Run all tests of a part without a change, so that their seconds are known; return how long a mutant may take."""
    started = time.monotonic()
    status, noticed_by = run_tests(directory, part)
    if status != SURVIVED:
        raise SystemExit(f"the tests of {part} fail without a change: {noticed_by}")
    return SECONDS_A_TEST + 3 * (time.monotonic() - started)


if __name__ == "__main__":
    sys.exit(main())
