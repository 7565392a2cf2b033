"""Measure what each alias and each span rule does to the F1 of a bundle, alone and all together.

    pip install opencc-python-reimplemented==0.1.7
    python tools/measure_normalization.py runtime/edgener/default [MORE.jsonl ...]

The sets are MSRA's test rows, the same in traditional characters (OpenCC's s2t), those with a list of names, and the
latter with a blank for each 、. More sets are JSON lines of text, entities (start, end, label) and sometimes
ignore: spans (start, end) with which a wrong prediction may overlap without being counted. Only types of a set count.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from edgener import Recognizer
from edgener.aliases import ALIASES
from edgener.bundle import TOKENIZER, load_bundle
from edgener.normalization import normalization_of
from edgener.providers import CPU
from edgener.session import Session
from edgener.span_rules import SPAN_RULES
from edgener.tags import Span
from edgener.tokenizer import Encoder
from edgener_export.corpus.msra import read_msra
from edgener_export.evaluation.score import score_spans

COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "none": ((), ()),
    **{alias: ((alias,), ()) for alias in ALIASES},
    **{rule: ((), (rule,)) for rule in SPAN_RULES},
    "all": (ALIASES, tuple(SPAN_RULES)),
}
"""The aliases and the rules of each column."""


class Row(NamedTuple):
    """A labelled text."""

    text: str
    spans: Sequence[Span]
    ignored: Sequence[tuple[int, int]] = ()
    """Ranges in which a wrong prediction does not count."""


def main() -> None:
    """Print the table for the bundle that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("sets", nargs="*", type=Path, metavar="SET.jsonl")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="where MSRA lies; default: %(default)s")
    options = parser.parse_args()
    sets = msra_sets(options.cache) | {path.stem: read_rows(path) for path in options.sets}
    recognizers = [normalizing(options.bundle, *names) for names in COLUMNS.values()]
    print("set", *COLUMNS, sep="\t")
    for name, rows in sets.items():
        print(name, *(f"{f1(recognizer, rows):.2f}" for recognizer in recognizers), sep="\t", flush=True)


def normalizing(bundle: Path, aliases: Iterable[str], span_rules: Iterable[str]) -> Recognizer:
    """Return the model of a bundle with these aliases and rules in place of its own."""
    loaded = load_bundle(bundle)
    manifest = replace(loaded.manifest, normalization=normalization_of(aliases, span_rules))
    encoder = Encoder(loaded.path(TOKENIZER), manifest.aliases)
    return Recognizer(manifest, encoder, Session(loaded.graph(CPU), manifest, 1), 8)


def msra_sets(cache: Path) -> dict[str, list[Row]]:
    """Return MSRA's test rows as they are and as other people write them; every character stays in its place."""
    import opencc

    rows = [Row(sentence.text, sentence.spans) for sentence in read_msra(cache).test]
    convert: Callable[[str], str] = opencc.OpenCC("s2t").convert
    traditional = [row._replace(text="".join(map(convert, row.text))) for row in rows]
    lists = [row for row in rows if row.text.count("、") > 1]
    return {
        "msra": rows,
        "msra, traditional": traditional,
        "msra, lists": lists,
        "msra, lists with blanks": [row._replace(text=row.text.replace("、", " ")) for row in lists],
    }


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a file of JSON lines."""
    plain: list[dict[str, Any]] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Row(row["text"], [Span(*entity) for entity in row["entities"]], [tuple(span) for span in row.get("ignore", ())])
        for row in plain
    ]


def f1(recognizer: Recognizer, rows: Sequence[Row]) -> float:
    """Return the exact-span F1 of the types that the rows have, in percent."""
    labels = {span.label for row in rows for span in row.spans}
    pairs = []
    for row, entities in zip(rows, recognizer.batch(row.text for row in rows), strict=True):
        found = [Span(entity.start, entity.end, entity.label) for entity in entities if entity.label in labels]
        pairs.append((row.spans, [span for span in found if span in row.spans or not _is_ignored(span, row)]))
    return score_spans(pairs).f1


def _is_ignored(span: Span, row: Row) -> bool:
    return any(span.start < end and start < span.end for start, end in row.ignored)


if __name__ == "__main__":
    main()
