"""The process that a contender runs in: one JSON object a line in, one out. Standard library only.

    python -m tools.bench.worker DRIVER OPTIONS TEXT

First comes a line with what the start cost, up to the answer to TEXT; then a line for every request.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

from tools.bench.contract import Driver, Model, Options
from tools.bench.stopwatch import timed

PREPARE = "prepare"
"""The argument that stands in place of TEXT where the worker only writes what the driver needs."""


def main() -> None:
    """Start, then serve requests until the input ends."""
    driver_name, options_json, text = sys.argv[1:]
    del sys.argv[1:]
    answers = _take_standard_output()
    options = Options(**json.loads(options_json))
    driver, import_s = timed(lambda: cast(Driver, import_module(f"tools.bench.drivers.{driver_name}")))
    if text == PREPARE:
        driver.prepare(options)
        return
    model, load_s = timed(lambda: driver.load(options))
    _, answer_s = timed(lambda: model.one(text))
    _write(answers, {"import_s": import_s, "load_s": load_s, "answer_s": answer_s, **_memory()})
    for line in sys.stdin:
        _write(answers, _serve(model, json.loads(line)))


def _serve(model: Model, request: dict[str, Any]) -> dict[str, Any]:
    """Seconds of every call: of each sentence, or of each pass over all of them; entities of the last pass."""
    texts: list[str] = request["texts"]
    seconds: list[float] = []
    entities: list[Any] = []
    for _ in range(request["passes"]):
        if request["batched"]:
            entities, elapsed = timed(lambda: model.many(texts))
            seconds.append(elapsed)
        else:
            entities = []
            for text in texts:
                began = time.perf_counter()
                entities.append(model.one(text))
                seconds.append(time.perf_counter() - began)
    return {"seconds": seconds, "entities": entities if request["wants_entities"] else [], **_memory()}


def _memory() -> dict[str, float]:
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(fields[key].split()[0]) / 1024 for name, key in (("rss_mb", "VmRSS"), ("peak_mb", "VmHWM"))}


def _take_standard_output() -> IO[str]:
    """Standard output for answers alone; what the contender prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _write(answers: IO[str], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
