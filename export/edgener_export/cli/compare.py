"""``edgener-export compare``: whether one bundle is better than another, and on which sentences."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from edgener.command_line import Command, add_json
from edgener.dataclass_json import to_plain
from edgener.errors import UsageError
from edgener.lone_surrogates import STAND_INS
from edgener.standard_streams import write
from edgener.table import table
from edgener_export.cli.data import add_reading, read_sets
from edgener_export.cli.evaluate import tell_unknown_types
from edgener_export.cli.json_output import write_json
from edgener_export.cli.threads import add_threads, threads_of

if TYPE_CHECKING:
    from edgener.tags import Span
    from edgener_export.evaluation.compare import Comparison

SIGNIFICANT = 0.05
"""Significance below which a difference is called one."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", metavar="A", help="directory of a bundle; default is the built-in one")
    parser.add_argument("after", metavar="B", help="directory of another bundle")
    help_text = "labelled files, or directories of labelled sets (*.jsonl)"
    parser.add_argument("data", nargs="+", type=Path, metavar="DATA", help=help_text)
    help_text = "most changed sentences of each set that are shown; default: %(default)s"
    parser.add_argument("--show", type=int, default=10, metavar="N", help=help_text)
    add_reading(parser)
    add_json(parser, "print JSON that has every changed sentence")
    add_threads(parser)


def _compare(options: argparse.Namespace) -> None:
    from edgener import Recognizer
    from edgener_export.evaluation.compare import compare
    from edgener_export.evaluation.recognize import found_in

    if options.show < 0:
        raise UsageError(f"--show is {options.show}; it must be at least 0")
    threads = threads_of(options.threads)
    recognizers = [Recognizer.load(bundle, threads=threads) for bundle in (options.before, options.after)]
    comparisons = []
    sets = read_sets(options, options.data)
    by_name = dict(zip(("A", "B"), recognizers, strict=True))
    tell_unknown_types(by_name, chain.from_iterable(labelled.labels for labelled in sets))
    for labelled in sets:
        before, after = (list(found_in(recognizer, labelled.sentences)) for recognizer in recognizers)
        comparisons.append(compare(labelled, before, after))
    if options.json:
        write_json([to_plain(one) for one in comparisons])
        return
    write(_summary(comparisons))
    for comparison in comparisons:
        for change in comparison.changes[: options.show]:
            write(f"\n{comparison.data}, {'better' if change.gain > 0 else 'worse'} by {abs(change.gain)}\n")
            for name, spans in (("is", change.expected), ("A", change.before), ("B", change.after)):
                write(f"  {name:<2}  {_marked(change.text, spans)}\n")


def _summary(comparisons: Sequence[Comparison]) -> str:
    head = ("set", "sentences", "F1 of A", "F1 of B", "difference", "better", "worse", "p", "")
    rows = [head]
    for it in comparisons:
        verdict = "no significant difference" if it.significance >= SIGNIFICANT else ""
        verdict = verdict or f"{'B' if it.after > it.before else 'A'} is better"
        figures = (f"{it.before:.2f}", f"{it.after:.2f}", f"{it.after - it.before:+.2f}")
        counts = (str(it.won), str(it.lost), f"{it.significance:.4f}")
        rows.append((it.data, str(it.sentences), *figures, *counts, verdict))
    return table(rows)


def _marked(text: str, spans: Sequence[Span]) -> str:
    """Return a text on one line with its spans in brackets, and U+FFFD for half a surrogate pair."""
    pieces, written = [], 0
    for start, end, label in sorted(spans):
        pieces += [text[written:start], f"[{text[start:end]}/{label}]"]
        written = end
    return " ".join("".join([*pieces, text[written:]]).splitlines()).translate(STAND_INS)


COMPARE = Command(
    name="compare",
    summary="tell whether one bundle is better than another, and on which sentences",
    description=(
        "Compare two bundles on labelled data: F1 of both, how many sentences became better and worse, and how "
        "probable such a difference is if both were equally good, by approximate randomization (Noreen, 1989); below "
        "0.05 it is called significant. Then the sentences that changed most."
    ),
    examples="""\
edgener-export compare default ./my-bundle test.jsonl
edgener-export compare ./one ./other ./labelled-sets --show 0
edgener-export compare ./one ./other test.jsonl --json > changes.json""",
    add_arguments=_add_arguments,
    run=_compare,
)
