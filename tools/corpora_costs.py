"""The costs of `edgener map` by its layout: processor time for a text, wall time, and memory of threads and processes.

    python -m tools.corpora_costs                        the built-in model, 4000 texts, up to all cores
    python -m tools.corpora_costs --wall --most 8        with wall times: on an idle machine only

Prints JSON: for each layout its costs (start and end included), and the ratios that docs/corpora.md states:

- `cpu_ratio`: processor time of n threads, or of n processes, over that of one thread. It holds on a busy machine.
- `thread_mb`, `process_mb`: memory (PSS) that one more thread, or one more process, takes.
- with --wall: `speed_ratio`, the wall time of one thread over n times that of n; `plain_ratio`, the wall time of n
  processes over that of n plain programs that do a share each; `file_speed_ratio`, `edgener --file --threads 1` over
  `--threads 2`. The order of the layouts changes from round to round, and medians are taken.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tools.measured import Usage, run_measured

ROOT = Path(__file__).resolve().parent.parent

PATIENCE = 3600.0
PROGRAM = [sys.executable, "-m", "edgener"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="bundle; default: the built-in one")
    parser.add_argument("--texts", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most", type=int, default=len(os.sched_getaffinity(0)), help="threads; default: all cores")
    parser.add_argument("--wall", action="store_true", help="also measure wall times, which other work would spoil")
    options = parser.parse_args()
    counts = [count for count in (1, 2, 4, 8, 16, 32) if count <= options.most]
    layouts = [(count, processes) for count in counts for processes in sorted({1, count})]
    usages: dict[tuple[int, int], list[Usage]] = defaultdict(list)
    plain: dict[int, list[float]] = defaultdict(list)
    files: dict[int, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name) / "corpus.txt"
        lines = write_corpus(corpus, options.texts)
        for number in range(options.rounds):
            for layout in layouts if number % 2 else reversed(layouts):
                usages[layout].append(_map(corpus, Path(name) / f"out-{number}-{layout}", layout, options.model))
            if options.wall:
                for count in counts:
                    plain[count].append(_plain_programs(lines, count, Path(name), options.model))
                for count in (1, 2):
                    files[count].append(_file(corpus, count, options.model))
    print(json.dumps(summary(usages, plain, files), indent=1))


def write_corpus(path: Path, texts: int) -> list[str]:
    """Write so many lines, made from docs/sample.txt; return them."""
    sample = [line for line in (ROOT / "docs/sample.txt").read_text(encoding="utf-8").splitlines() if line]
    lines = [sample[number % len(sample)] for number in range(texts)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return lines


def summary(
    usages: dict[tuple[int, int], list[Usage]], plain: dict[int, list[float]], files: dict[int, list[float]]
) -> dict[str, object]:
    """Return the medians and their ratios; without ``plain`` and ``files`` those that a busy machine gives too."""
    cpu = {layout: statistics.median(one.cpu_seconds for one in found) for layout, found in usages.items()}
    wall = {layout: statistics.median(one.wall_seconds for one in found) for layout, found in usages.items()}
    memory = {layout: statistics.median(one.peak_pss_mb for one in found) for layout, found in usages.items()}
    one = (1, 1)
    rows = []
    for layout in usages:
        threads, processes = layout
        row: dict[str, object] = {
            "threads": threads,
            "processes": processes,
            "cpu_seconds": round(cpu[layout], 2),
            "pss_mb": round(memory[layout], 1),
            "cpu_ratio": round(cpu[layout] / cpu[one], 3),
        }
        if threads > 1:
            more = (memory[layout] - memory[one]) / (threads - 1)
            row["thread_mb" if processes == 1 else "process_mb"] = round(more, 1)
        if plain:
            row |= {"wall_seconds": wall[layout], "speed_ratio": round(wall[one] / wall[layout] / threads, 3)}
            row["plain_ratio"] = round(wall[layout] / statistics.median(plain[threads]), 3)
        rows.append(row)
    found: dict[str, object] = {"layouts": rows, "rounds": len(usages[one])}
    if files:
        found["file_speed_ratio"] = round(statistics.median(files[1]) / statistics.median(files[2]), 3)
    return found


def _map(corpus: Path, output: Path, layout: tuple[int, int], model: Path | None) -> Usage:
    threads, processes = layout
    command = ["map", str(corpus), "--output", str(output), "--part-size", "0.02"]
    command += ["--threads", str(threads), "--processes", str(processes)]
    usage = run_measured([*PROGRAM, *command, *_model(model)], PATIENCE, env=_environment())
    if usage.code:
        raise SystemExit(f"edgener map: exit code {usage.code}")
    return usage


def _plain_programs(lines: Sequence[str], count: int, folder: Path, model: Path | None) -> float:
    """Return the seconds until so many programs of one thread have done a share of the lines each."""
    shares = []
    for share in range(count):
        shares.append(folder / f"share-{share}.txt")
        shares[-1].write_text("\n".join(lines[share::count]) + "\n", encoding="utf-8")
    started = time.monotonic()
    programs = [
        subprocess.Popen(
            [*PROGRAM, *_model(model), "--file", str(share)], stdout=subprocess.DEVNULL, env=_environment()
        )
        for share in shares
    ]
    codes = [program.wait() for program in programs]
    if any(codes):
        raise SystemExit("edgener --file: it failed")
    return time.monotonic() - started


def _file(corpus: Path, threads: int, model: Path | None) -> float:
    command = [*PROGRAM, *_model(model), "--file", str(corpus), "--threads", str(threads)]
    return run_measured(command, PATIENCE, env=_environment()).wall_seconds


def _model(model: Path | None) -> list[str]:
    return ["--model", str(model)] if model else []


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "runtime")}


if __name__ == "__main__":
    main()
