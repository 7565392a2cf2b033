"""Measure ``edgener serve --http`` against the bounds that it shall keep, and print a table.

    python -m tools.serving                     all measures, some minutes
    python -m tools.serving cpu batching        ratios of processor time, which hold on a busy machine, too
    python -m tools.serving --json serving.json --sentences sentences.txt

Measures: cpu (processor time of a sentence over that of ``edgener --file``), batching (processor time without it over
that with it), memory (idle, and after 20 changes of the model), overload (twice the capacity), fairness (a polite
client beside a greedy one, a short request beside a long one), disconnects. Those of wall time ask for an idle machine,
whose cores the load shares with the service. Exit code 1 where a figure does not keep its bound.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from tools.serving.figures import Figure, plain, table
from tools.serving.measures import MEASURES, Plan
from tools.serving.sentences import read_sentences
from tools.serving.service import ROOT


def main() -> int:
    """Measure, print, and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=f"default: {' '.join(MEASURES)}")
    parser.add_argument("--model", type=Path, metavar="BUNDLE", help="default: the built-in model")
    parser.add_argument(
        "--sentences", type=Path, metavar="FILE", default=ROOT / "tests/data/tiny/test.jsonl",
        help="text lines, or JSON lines with a text; default: the invented sentences of the tests",
    )  # fmt: skip
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="default: %(default)s")
    parser.add_argument("--texts", type=int, default=1920, metavar="N", help="texts a measurement; default: 1920")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds to compare; default: %(default)s")
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="time of the overload; default: 60")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args()
    unknown = sorted(set(options.measures) - MEASURES.keys())
    if unknown:
        parser.error(f"no measure {unknown[0]!r}; there are {', '.join(MEASURES)}")
    plan = Plan(
        options.model,
        read_sentences(options.sentences),
        options.workers,
        options.texts,
        options.rounds,
        options.seconds,
    )
    figures: list[Figure] = []
    for name in options.measures or MEASURES:
        figures += MEASURES[name](plan)
    print(table(figures))
    if options.json:
        record = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "load_average": os.getloadavg(),
            "figures": plain(figures),
        }
        options.json.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return int(any(not figure.is_kept for figure in figures))


if __name__ == "__main__":
    raise SystemExit(main())
