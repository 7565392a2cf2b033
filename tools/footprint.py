"""The cost of one answer, in time from the start of the process to its end and in peak memory, and the speed of many.

    python tools/footprint.py                     the built-in bundle
    python tools/footprint.py --model bundles/base --runs 20

Run it with the interpreter that edgener is installed for, on an idle machine. Times are the median and the fastest of
the runs, since machines are noisy.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import edgener
from edgener import Recognizer
from edgener.built_in import DEFAULT_BUNDLE, bundle_directory
from edgener.environment import LIBRARIES

ROOT = Path(__file__).parent.parent
SENTENCE = "王小明在北京大学工作。"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=bundle_directory, default=DEFAULT_BUNDLE)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    bundle: Path = options.model
    needed = {"edgener", *LIBRARIES}
    declared = _with_dependencies(needed)
    print(
        f"installed          {_installed(declared) / 1e6:.0f} MB with all that pip installs, "
        f"{_installed(needed) / 1e6:.0f} MB with what edgener imports alone"
    )
    print(f"bundle             {sum(path.stat().st_size for path in bundle.iterdir()) / 1e6:.1f} MB")
    answers = [_one_answer(bundle) for _ in range(options.runs)]
    seconds = [answer[0] for answer in answers]
    print(f"start to answer    {statistics.median(seconds):.3f} s, fastest {min(seconds):.3f} s, one sentence")
    print(f"peak memory        {max(answer[1] for answer in answers) / 1024:.0f} MB, one sentence")
    texts = [line for line in (ROOT / "docs/sample.txt").read_text(encoding="utf-8").splitlines() if line] * 20
    for threads in range(1, len(os.sched_getaffinity(0)) + 1):
        print(f"{threads} thread(s)        {_speed(Recognizer.load(bundle, threads=threads), texts)}")


def _with_dependencies(names: set[str]) -> set[str]:
    """The names of distributions and of the installed ones that they declare to need, those of extras left out."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        with suppress(PackageNotFoundError):  # not needed on this platform, or left out with --no-deps
            wanted = distribution(name).requires or []
            found.add(name)
            waiting |= {re.split(r"[^\w.-]", text)[0] for text in wanted if "extra ==" not in text} - found
    return found


def _installed(names: set[str]) -> int:
    """Bytes of the files of installed distributions, with the bytecode that pip has compiled."""
    ours = sum(path.stat().st_size for path in Path(edgener.__file__).parent.rglob("*") if path.is_file())
    others = (path.locate() for name in names - {"edgener"} for path in distribution(name).files or ())
    return ours + sum(Path(path).stat().st_size for path in others if Path(path).is_file())


def _one_answer(bundle: Path) -> tuple[float, int]:
    """Seconds and kilobytes of a process that answers once."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "edgener", "--model", str(bundle), SENTENCE], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"exit code {process.returncode}")
    return seconds, usage.ru_maxrss


def _speed(recognizer: Recognizer, texts: list[str]) -> str:
    one_by_one = _characters_a_second(lambda: [recognizer(text) for text in texts], texts)
    batched = _characters_a_second(lambda: list(recognizer.batch(texts)), texts)
    return f"{one_by_one:.0f} characters a second one by one, {batched:.0f} in batches"


def _characters_a_second(work: Callable[[], object], texts: list[str]) -> float:
    work()
    started = time.perf_counter()
    work()
    return sum(map(len, texts)) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
