"""Random kills of the worker and parent processes of one `edgener map` job, and a check of every row of its results.

    python -m tools.corpora_kills                            200 kills, 300,000 rows
    python -m tools.corpora_kills --kills 20 --rows 30000

The rows are made from the sentences of the tiny model, in three files: lines, JSON lines in gzip, and CSV. Each kill
hits a process at a random moment; the job is started again until it is done. Exit code 1 if a row is lost, doubled or
changed, if an answer of the sample is not that of the library, or if a kill cost more than one part for each thread.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgener import Recognizer
from tools.map_workers import is_worker, path_with_hook, workers

ROOT = Path(__file__).resolve().parent.parent
TINY = ROOT / "tests/data/tiny-bundle"
PART_MIB = 0.1
THREADS = 2
LONGEST_WAIT = 0.4
"""Seconds after a part at which a kill comes at the latest."""
PATIENCE = 300.0
"""Seconds without a further part after which the tool gives up."""
SCORE_DIFFERENCE = 0.001
"""Scores move in the fourth digit with the texts that are computed in one batch."""
NOTE_EACH_BEGIN = """
import os
import edgener.corpora.annotate as room
annotate = room.annotate
begun = os.open(os.environ["EDGENER_BEGUN"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def noted(part, *others):
    os.write(begun, f"{part.file.name} {part.number}\\n".encode())
    return annotate(part, *others)
room.annotate = noted
"""
"""Code that every Python of the job runs before it imports the worker: it notes each part that a worker begins."""


@dataclass
class Report:
    """Numbers of what happened, and of what the check found."""

    rows: int
    kills_of_parents: int = 0
    kills_of_workers: int = 0
    runs: int = 0
    parts: int = 0
    parts_begun_again: int = 0
    most_parts_lost_by_a_kill: int = 0
    set_aside: int = 0
    lost: int = 0
    doubled: int = 0
    changed: int = 0
    sample: int = 0
    wrong_answers: int = 0
    drafts_left: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


def main() -> int:
    """Run the job, kill it, check it, print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--sample", type=int, default=3000, help="rows whose answers are compared with the library's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, default=TINY)
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        report = Report(options.rows)
        texts = write_corpus(Path(name) / "corpus", options.rows)
        _Job(Path(name), options.model, random.Random(options.seed), report).run(options.kills)
        check(Path(name) / "out", texts, options, report)
    report.seconds = round(time.monotonic() - started, 1)
    print(json.dumps(asdict(report), indent=1))
    return 1 if report.faults else 0


def numbered_texts(count: int) -> list[str]:
    """Return so many different texts: sentences of the tiny model, each with a number."""
    lines = (ROOT / "tests/data/tiny/test.jsonl").read_text(encoding="utf-8").splitlines()
    sentences = [json.loads(line)["text"] for line in lines]
    return [f"{sentences[number % len(sentences)]}{number}" for number in range(count)]


def write_corpus(folder: Path, rows: int) -> dict[str, list[str]]:
    """Write the rows to three files; return the texts of each."""
    texts = numbered_texts(rows)
    first, second = rows // 3, rows * 2 // 3
    files = {"a.txt": texts[:first], "b.jsonl.gz": texts[first:second], "c.csv": texts[second:]}
    folder.mkdir()
    (folder / "a.txt").write_text("\n".join(files["a.txt"]), encoding="utf-8")
    objects = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in files["b.jsonl.gz"])
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(objects.encode(), 1))
    with (folder / "c.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in files["c.csv"])])
    return files


class _Job:
    def __init__(self, folder: Path, model: Path, chance: random.Random, report: Report) -> None:
        self._output, self._begun = folder / "out", folder / "begun"
        self._begun.touch()
        self._chance, self._report = chance, report
        self._command = [sys.executable, "-m", "edgener", "map", str(folder / "corpus"), "--output", str(self._output)]
        self._command += ["--model", str(model), "--part-size", str(PART_MIB)]
        self._command += ["--threads", str(THREADS), "--processes", str(THREADS)]
        self._workers_killed = (
            0  # since the start of the present parent, each of which may have left a part to do again
        )
        (folder / "hook").mkdir()
        path = os.pathsep.join([str(ROOT / "runtime"), path_with_hook(folder / "hook", NOTE_EACH_BEGIN)])
        self._env = {**os.environ, "PYTHONPATH": path, "EDGENER_BEGUN": str(self._begun)}

    def run(self, kills: int) -> None:
        """Start the job until it is done, and kill its processes at so many random moments."""
        parts = self._report.rows * 100 // round(PART_MIB * (1 << 20))  # about as many as there will be
        moments = sorted(self._chance.sample(range(max(parts, kills)), kills))
        code = 1
        while code:
            self._report.runs += 1
            pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
            with subprocess.Popen(self._command, env=self._env, **pipes) as run:  # type: ignore[call-overload]
                while moments and self._kill_at(run, moments[0]):
                    del moments[0]
                assert run.stderr is not None
                errors = run.stderr.read().decode()
                code = run.wait()
            if code == 24:
                self._report.set_aside += 1
            elif code not in (0, -signal.SIGKILL):
                raise SystemExit(f"exit code {code}: {errors}")
        entries = self._noted()
        self._report.parts = len(entries)
        if max(entries.values()) > 1:
            self._report.faults.append("a part is noted twice")
        self._report.parts_begun_again = sum(self._begins().values()) - len(entries)
        if self._report.parts_begun_again > THREADS * self._report.kills_of_parents + self._report.kills_of_workers:
            self._report.faults.append(f"{self._report.parts_begun_again} parts were begun again")

    def _kill_at(self, run: subprocess.Popen[bytes], parts: int) -> bool:
        """Wait until so many parts are done and a moment longer, then kill a process; return False if none is left."""
        deadline = time.monotonic() + PATIENCE
        while len(self._noted()) < parts:
            if run.poll() is not None:
                return False
            if time.monotonic() > deadline:
                run.kill()
                raise SystemExit("the job does not go on")
            time.sleep(0.05)
        time.sleep(self._chance.uniform(0, LONGEST_WAIT))
        alive = workers(run.pid)
        victim = self._chance.choice([run.pid, *alive[:1]])
        if run.poll() is not None:
            return False
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        if victim == run.pid:
            self._report.kills_of_parents += 1
            run.wait()
            self._note_loss(alive)
            self._workers_killed = 0
        else:
            self._report.kills_of_workers += 1
            self._workers_killed += 1
        return True

    def _note_loss(self, orphans: Sequence[int]) -> None:
        """Count the parts that were begun and not noted when the parent had died, but for those of killed workers."""
        deadline = time.monotonic() + PATIENCE
        while any(map(is_worker, orphans)):
            if time.monotonic() > deadline:
                raise SystemExit("workers outlive their parent")
            time.sleep(0.02)
        lost = len(set(self._begins()) - set(self._noted())) - self._workers_killed
        self._report.most_parts_lost_by_a_kill = max(self._report.most_parts_lost_by_a_kill, lost)
        if lost > THREADS:
            self._report.faults.append(f"a kill cost {lost} parts")

    def _noted(self) -> Counter[tuple[str, int]]:
        log = self._output / "_edgener/done-0-of-1.jsonl"
        lines = log.read_bytes().split(b"\n")[:-1] if log.exists() else []
        return Counter((one["file"], one["part"]) for one in map(json.loads, lines) if one["kind"] == "part")

    def _begins(self) -> Counter[tuple[str, int]]:
        pairs = (line.split() for line in self._begun.read_text().splitlines())
        return Counter((name, int(number)) for name, number in pairs)


def check(output: Path, texts: dict[str, list[str]], options: argparse.Namespace, report: Report) -> None:
    """Compare every row with the input, and the answers of a random sample with those of the library."""
    recognizer = Recognizer.load(options.model)
    chance = random.Random(options.seed)
    total = sum(map(len, texts.values()))
    wanted = set(chance.sample(range(total), min(options.sample, total)))
    place = 0
    for name, expected in texts.items():
        seen: Counter[int] = Counter()
        sampled: list[dict[str, Any]] = []
        for row in result_rows(output / name):
            number = row["row"] - 1
            seen[number] += 1
            report.changed += not (0 <= number < len(expected) and row["text"] == expected[number] and not row["error"])
            if place + number in wanted:
                sampled.append(row)
        report.lost += len(expected) - len(seen)
        report.doubled += sum(seen.values()) - len(seen)
        report.sample += len(sampled)
        answers = recognizer.batch(row["text"] for row in sampled)
        report.wrong_answers += sum(
            not are_same(row["entities"], [entity.to_dict() for entity in found])
            for row, found in zip(sampled, answers, strict=True)
        )
        place += len(expected)
    report.drafts_left = len(list(output.rglob("*.draft")))
    for fault in ("lost", "doubled", "changed", "wrong_answers", "drafts_left"):
        if getattr(report, fault):
            report.faults.append(f"{fault}: {getattr(report, fault)}")


def result_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of all parts of an input file."""
    for path in sorted(folder.glob("part-*.jsonl")):
        with path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)


def are_same(found: Sequence[dict[str, Any]], expected: Sequence[dict[str, Any]]) -> bool:
    """Return True if two lists hold the same entities, but for the last digits of their scores."""
    return len(found) == len(expected) and all(
        {**left, "score": 0} == {**right, "score": 0} and abs(left["score"] - right["score"]) <= SCORE_DIFFERENCE
        for left, right in zip(found, expected, strict=True)
    )


if __name__ == "__main__":
    sys.exit(main())
