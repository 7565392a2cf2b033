"""The memory of `edgener map` over a long file: its growth for each GB that was read.

    python -m tools.corpora_memory --gigabytes 10        about an hour on two cores
    python -m tools.corpora_memory --gigabytes 0.1

The file is made of lines of `--line` times the same letter, the quickest text there is: 1.5 MB a second and core.
Prints JSON: memory (of all processes, without the share of libraries and other files, in MB) at each tenth of what was
read, and the slope of the straight line through all but the first tenth, in MB for each GB. A run that takes too long
is stopped after `--seconds`.
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
from collections.abc import Sequence
from pathlib import Path

from tools.measured import descendants, own_kilobytes

ROOT = Path(__file__).resolve().parent.parent

EVERY = 2.0
"""Seconds between two looks."""
PART_MIB = 1


def main() -> None:
    """Make the file, annotate it, watch the memory, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--line", type=int, default=1 << 16, metavar="BYTES", help="length of a line")
    parser.add_argument("--model", type=Path, default=ROOT / "tests/data/tiny-bundle")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6 * 3600.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        corpus, output = Path(name) / "corpus.txt", Path(name) / "out"
        size = write_corpus(corpus, options.gigabytes, options.line)
        command = [sys.executable, "-m", "edgener", "map", str(corpus), "--output", str(output)]
        command += ["--model", str(options.model), "--threads", str(options.threads), "--processes", "1"]
        command += ["--part-size", str(PART_MIB)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "runtime")}
        points: list[tuple[float, float]] = []
        started = time.monotonic()
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None and time.monotonic() - started < options.seconds:
                time.sleep(EVERY)
                position = position_of(process.pid, corpus)
                if position is not None:
                    processes = [process.pid, *descendants(process.pid)]
                    points.append((position / 1e9, sum(map(own_kilobytes, processes)) / 1e3))
            process.kill()
        read = max((position for position, _ in points), default=0.0)
    late = [point for point in points if point[0] >= read / 10]
    print(
        json.dumps(
            {
                "file_gb": round(size / 1e9, 3),
                "read_gb": round(read, 3),
                "memory_mb_by_tenths": by_tenths(points, read),
                "most_mb": round(max(memory for _, memory in points), 1),
                "slope_mb_per_gb": round(slope(late), 2),
            },
            indent=1,
        )
    )


def write_corpus(path: Path, gigabytes: float, line: int) -> int:
    """Write lines of so many bytes up to a size; return the bytes of the file."""
    content = b"x" * line + b"\n"
    count = max(1, round(gigabytes * 1e9 / len(content)))
    with path.open("wb") as file:
        for _ in range(count):
            file.write(content)
    return count * len(content)


def position_of(process: int, path: Path) -> int | None:
    """Return how far a process has read a file; None if it has not opened it, or has ended."""
    try:
        for link in Path(f"/proc/{process}/fd").iterdir():
            if link.readlink() == path:
                fields = Path(f"/proc/{process}/fdinfo/{link.name}").read_text().split()
                return int(fields[fields.index("pos:") + 1])
    except OSError:
        return None
    return None


def by_tenths(points: Sequence[tuple[float, float]], read: float) -> list[float]:
    """Return the median memory of each tenth of what was read."""
    tenths: list[list[float]] = [[] for _ in range(10)]
    for position, memory in points:
        tenths[min(9, int(position / read * 10)) if read else 0].append(memory)
    return [round(statistics.median(one), 1) if one else 0.0 for one in tenths]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the straight line through points that is nearest to them; 0 for fewer than two."""
    if len({position for position, _ in points}) < 2:
        return 0.0
    return statistics.linear_regression([x for x, _ in points], [y for _, y in points]).slope


if __name__ == "__main__":
    main()
