"""Ray Data and Spark on two local nodes, beside `edgener map`: the same rows and answers, and what each costs.

    python -m tools.engines ray --kill         one of two nodes is killed in the middle
    python -m tools.engines spark --rows 20000

Run it with an interpreter that has the extra of the engine; `make test-engines` makes one. Exit code 1 unless every row
of the input has exactly one row of results, with the answers of `edgener map`. Seconds of processor time, memory and
the number of processes are those of the whole tree, start and end included.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import dataset, parquet

from tools.corpora_kills import are_same, numbered_texts
from tools.measured import run_measured

ROOT = Path(__file__).resolve().parent.parent.parent
ENGINES = ("ray", "spark")
RAY = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_raylet_start_wait_time_s": "180"}
"""Environment of Ray: nothing is reported to its makers, and a loaded machine may take its time."""
FILES = 20


def main() -> int:
    """Run both, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--kill", action="store_true", help="kill one of the nodes when the first results are there")
    parser.add_argument(
        "--seconds", type=float, default=600.0, help="time limit of each; an engine may hang in silence"
    )
    parser.add_argument("--model", type=Path, default=ROOT / "tests/data/tiny-bundle")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = folder / "corpus"
        write_corpus(corpus, options.rows)
        paths = os.pathsep.join([str(ROOT / "runtime"), str(ROOT)])
        environment = {**os.environ, "PYTHONPATH": paths, "PYSPARK_PYTHON": sys.executable, **RAY}
        ours = [sys.executable, "-m", "edgener", "map", str(corpus), "--output", str(folder / "ours")]
        ours += ["--format", "parquet", "--id-field", "id", "--threads", "2", "--processes", "1"]
        ours += ["--model", str(options.model)]
        theirs = [sys.executable, "-m", f"tools.engines.{options.engine}_job", *map(str, (corpus, folder / "theirs"))]
        theirs += ["--model", str(options.model), "--report", str(folder / "report.json")]
        theirs += ["--kill"] if options.kill else []
        usages = {}
        for label, command in (("edgener map", ours), (options.engine, theirs)):
            usages[label] = run_measured(command, options.seconds, env=environment, log=folder / f"{label}.log")
            if usages[label].code:
                sys.stderr.write((folder / f"{label}.log").read_text(errors="replace")[-4000:])
                raise SystemExit(f"{label}: exit code {usages[label].code}")
        told = json.loads((folder / "report.json").read_bytes())
        faults = differences(rows_of(folder / "ours"), rows_of(folder / "theirs"), options.rows)
        if options.kill and told["nodes_left"] != 1:
            faults.append(f"{told['nodes_left']} nodes are left")
    costs = {label: asdict(usage) for label, usage in usages.items()}
    print(json.dumps({"rows": options.rows, "costs": costs, "job": told, "faults": faults}, indent=1))
    return 1 if faults else 0


def write_corpus(folder: Path, rows: int) -> None:
    """Write so many rows with ids to small files."""
    texts = numbered_texts(rows)
    folder.mkdir()
    for file in range(FILES):
        table = pa.table({"id": range(file, rows, FILES), "text": texts[file::FILES]})
        parquet.write_table(table, folder / f"{file:02d}.parquet")


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return all rows of a folder of Parquet files."""
    files = [str(path) for path in folder.rglob("*.parquet") if path.is_file() and not path.name.startswith(".")]
    found: list[dict[str, Any]] = dataset.dataset(files).to_table().to_pylist()
    return found


def differences(expected: list[dict[str, Any]], found: list[dict[str, Any]], rows: int) -> list[str]:
    """Return what is wrong with the rows that were found: lost, doubled, and other answers than expected."""
    faults = []
    numbers = Counter(row["id"] for row in found)
    lost = len(set(range(rows)) - set(numbers))
    doubled = sum(numbers.values()) - len(numbers)
    by_id = {row["id"]: row for row in expected}
    if len(by_id) != len(expected) or set(by_id) != set(range(rows)):
        faults.append("edgener map has lost or doubled rows")
    other = sum(not is_same(row, by_id.get(row["id"])) for row in found)
    for count, fault in ((lost, "lost"), (doubled, "doubled"), (other, "with another answer")):
        if count:
            faults.append(f"{count} rows {fault}")
    return faults


def is_same(found: dict[str, Any], expected: dict[str, Any] | None) -> bool:
    """Return True if two rows are the same but for the last digits of the scores."""
    if expected is None or (found["text"], found["error"]) != (expected["text"], expected["error"]):
        return False
    return are_same(found["entities"], expected["entities"])


if __name__ == "__main__":
    sys.exit(main())
