"""Answers of the recognizer, written down bit for bit. Runs in the interpreter of a build, with nothing but edgener.

Usage: probe.py INPUT OUTPUT. INPUT is JSON: ``bundle`` (a directory or null) and ``texts``. OUTPUT gets JSON:
versions, golden cases, and for each text its entities; OUTPUT.logits gets the float32 logits of all texts in a row.
"""

from __future__ import annotations

import json
import platform
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path

from edgener import Recognizer
from edgener.bundle import DEFAULT_BUNDLE, GOLDEN
from edgener.golden import check_case, read_cases


def main(source: Path, target: Path) -> None:
    """Read ``source``, recognize, write ``target`` and its logits."""
    wanted = json.loads(source.read_text(encoding="utf-8"))
    bundle = Path(wanted["bundle"]) if wanted["bundle"] else DEFAULT_BUNDLE
    started = time.monotonic()
    recognizer = Recognizer.load(bundle)
    outcomes = [check_case(recognizer, case) for case in read_cases(bundle / GOLDEN)]
    entities, sizes = [], []
    with target.with_suffix(".logits").open("wb") as stream:
        for text in wanted["texts"]:
            entities.append([(e.start, e.end, e.label, e.score) for e in recognizer(text)])
            logits = b"".join(window.astype("<f4").tobytes() for window in recognizer.logits(text))
            stream.write(logits)
            sizes.append(len(logits))
    answer = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "onnxruntime": version("onnxruntime"),
        "golden_cases": len(outcomes),
        "golden_entities": sum(outcome.same_entities for outcome in outcomes),
        "golden_logits": sum(outcome.same_logits for outcome in outcomes),
        "entities": entities,
        "logits_bytes": sizes,
        "seconds": time.monotonic() - started,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    target.write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
