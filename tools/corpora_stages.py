"""Processor time of each stage of `edgener map` for a GB of text: reading, handing over, parsing, recognizing, writing.

    python -m tools.corpora_stages                       10 MB of JSON lines, the built-in model for the last stage
    python -m tools.corpora_stages --megabytes 50 --texts 4000

Prints a table of seconds of one core for each GB of text in UTF-8, and the part of each stage in the whole. The stages
of reading run in the parent process, one file after the other; all others run in the workers.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import json
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from edgener import Recognizer
from edgener.corpora.annotate import recognize
from edgener.corpora.inputs import InputFile, format_of
from edgener.corpora.outputs import WRITERS
from edgener.corpora.parts import Part, parts_of
from edgener.corpora.rows import Row, parse_rows
from edgener.corpora.settings import Settings
from edgener.table import table

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=10.0, help="text for the stages other than recognizing")
    parser.add_argument("--texts", type=int, default=1000, help="texts that are recognized")
    parser.add_argument("--model", type=Path, help="bundle; default: the built-in one")
    options = parser.parse_args()
    sample = [line for line in (ROOT / "docs/sample.txt").read_text(encoding="utf-8").splitlines() if line]
    size = sum(len(line.encode()) for line in sample)
    texts = sample * max(1, round(options.megabytes * 1e6 / size))
    gigabytes = len(texts) / len(sample) * size / 1e9
    costs: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        settings = Settings()
        for path in write_inputs(Path(name), texts):
            kind = format_of(path.name)
            assert kind is not None
            file = InputFile(path, path.name, kind)
            seconds, parts = timed(lambda file=file: list(parts_of(file, settings)))  # type: ignore[misc]
            costs[f"read {path.name.partition('.')[2]}: decompress, cut into rows, digest"] = seconds / gigabytes
            if path.suffix == ".jsonl":
                costs |= {stage: seconds / gigabytes for stage, seconds in _worker_stages(parts, Path(name), settings)}
    recognizer = Recognizer.load(options.model or "default")
    few = texts[: options.texts]
    list(recognizer.batch(few[:100]))
    seconds, _ = timed(lambda: recognize([Row({}, text) for text in few], recognizer, join_lines=False))
    costs["recognize"] = seconds / (sum(len(text.encode()) for text in few) / 1e9)
    jsonl = costs["read jsonl: decompress, cut into rows, digest"] + costs["hand over to a worker"]
    whole = jsonl + costs["parse JSON"] + costs["write jsonl"] + costs["recognize"]
    rows = [(stage, f"{seconds:,.1f} s a GB, {100 * seconds / whole:.2f} %") for stage, seconds in costs.items()]
    print(table(rows), end="")


def write_inputs(folder: Path, texts: list[str]) -> Iterator[Path]:
    """Write the texts in several formats; yield the paths."""
    content = "".join(
        json.dumps({"id": number, "text": text}, ensure_ascii=False) + "\n" for number, text in enumerate(texts)
    )
    for suffix, pack in (("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress)):
        path = folder / f"in.jsonl{suffix}"
        path.write_bytes(pack(content.encode()))
        yield path
    path = folder / "in.parquet"
    parquet.write_table(pa.table({"id": list(range(len(texts))), "text": texts}), path, compression="zstd")
    yield path


def _worker_stages(parts: list[Part], folder: Path, settings: Settings) -> Iterator[tuple[str, float]]:
    seconds, _ = timed(lambda: [pickle.loads(pickle.dumps(part)) for part in parts])
    yield "hand over to a worker", seconds
    seconds, rows = timed(lambda: [_parsed(part, settings) for part in parts])
    yield "parse JSON", seconds
    found: list[Any] = [[[] for _ in one] for one in rows]
    for output_format in ("jsonl", "parquet"):
        writer = WRITERS[output_format]
        draft = [folder / f"draft.{output_format}"]

        def write(writer: Any = writer, draft: list[Path] = draft) -> None:
            for part, some, answers in zip(parts, rows, found, strict=True):
                writer.write(draft, part, some, answers, None, settings)

        seconds, _ = timed(write)
        yield f"write {output_format}", seconds


def _parsed(part: Part, settings: Settings) -> list[Row]:
    assert not isinstance(part.content, bytes)
    rows = parse_rows(part.content, part.file.format, part.header, settings)
    for number, row in enumerate(rows, part.first_row):
        row.columns = {"row": number, **row.columns}
    return rows


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the processor time that a function took, and its result."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


if __name__ == "__main__":
    main()
