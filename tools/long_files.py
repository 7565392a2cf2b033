"""A long file through the command line: memory over time, and every offset checked against the input.

    python tools/long_files.py --megabytes 20 --model tests/data/tiny-bundle

Two files are made from docs/sample.txt: one line, and many short lines. Prints, for each, the resident memory of the
process when a tenth, half and all of the output had come, and how many entities were checked.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SHORT_LINE = 7
"""Code points a line in the file of many lines: about 20 bytes."""
READ_AT_ONCE = 1 << 16
LINE_OR_ENTITY = re.compile(r'"line": (?P<line>\d+),|(?P<entity>\{"start": [^}]*\})')


def main() -> None:
    """Make the files, run them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=20.0)
    parser.add_argument("--model", type=Path, help="bundle; default: the built-in one")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    sample = (ROOT / "docs/sample.txt").read_text(encoding="utf-8").replace("\n", "")
    repeats = -(-int(options.megabytes * 1e6) // len(sample.encode()))
    text = sample * repeats
    lines = [text[start : start + SHORT_LINE] for start in range(0, len(text), SHORT_LINE)]
    with tempfile.TemporaryDirectory() as scratch:
        for name, documents in (("one line", [text]), (f"{len(lines)} lines", lines)):
            path = Path(scratch) / "input.txt"
            path.write_text("\n".join(documents) + "\n", encoding="utf-8")
            print(f"{name}, {path.stat().st_size / 1e6:.1f} MB: {_run(path, documents, options)}", flush=True)


def _run(path: Path, documents: list[str], options: argparse.Namespace) -> str:
    command = [sys.executable, "-m", "edgener", "--file", str(path), "--threads", str(options.threads)]
    if options.model:
        command += ["--model", str(options.model)]
    started = time.monotonic()
    checked = 0
    memory: list[int] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for line, entity in _entities(process):
            text = documents[line - 1]
            if text[entity["start"] : entity["end"]] != entity["text"]:
                raise SystemExit(f"line {line}: {entity} is not in the text at its place")
            checked += 1
            if checked % 1000 == 0:
                memory.extend(_resident_kilobytes(process.pid))
        if process.wait():
            raise SystemExit(f"exit code {process.returncode}")
    characters = sum(map(len, documents))
    stages = [memory[round(share * (len(memory) - 1))] // 1024 for share in (0.1, 0.5, 1.0)]
    seconds = time.monotonic() - started
    resident = f"{stages[0]} / {stages[1]} / {stages[2]} MB at 10 / 50 / 100 %, most {max(memory) // 1024} MB"
    speed = f"{characters / seconds:.0f} characters a second"
    return f"{checked} entities, all where they say; resident {resident}; {speed}"


def _entities(process: subprocess.Popen[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line, entity) as the output arrives; a line of output may be longer than memory should hold."""
    assert process.stdout is not None
    output = io.TextIOWrapper(process.stdout, encoding="utf-8")
    unread, line = "", 0
    while block := output.read(READ_AT_ONCE):
        unread += block
        end = 0
        for match in LINE_OR_ENTITY.finditer(unread):
            if match["line"]:
                line = int(match["line"])
            else:
                yield line, json.loads(match["entity"])
            end = match.end()
        unread = unread[end:]


def _resident_kilobytes(pid: int) -> list[int]:
    """One figure; none once the process has ended and only its last output is still to be read."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return [int(line.split()[1]) for line in lines if line.startswith("VmRSS:")]


if __name__ == "__main__":
    main()
