"""Measure what each alias and each span rule does to the F1 of a bundle, alone and all together.

    pip install opencc-python-reimplemented==0.1.7
    python tools/measure_normalization.py runtime/edgener/default [MORE.jsonl ...]

The sets are MSRA's test rows, the same in traditional characters (OpenCC's s2t), those with a list of names, and the
latter with a blank for each 、. More sets are JSON lines of text, entities (start, end, label) and sometimes
ignore: spans (start, end) with which a wrong prediction may overlap without being counted. Only types of a set count.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from edgener import Recognizer
from edgener.aliases import ALIASES
from edgener.bundle import load_bundle
from edgener.normalization import normalization_of
from edgener.recognizer import open_recognizer
from edgener.span_rules.registry import SPAN_RULES
from edgener_export.corpus.formats import JSONL
from edgener_export.corpus.msra import read_msra
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.evaluation.recognize import found_in
from edgener_export.evaluation.score import score_spans
from edgener_export.evaluation.suite import LabelledSet, counted_pairs

COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "none": ((), ()),
    **{alias: ((alias,), ()) for alias in ALIASES},
    **{rule: ((), (rule,)) for rule in SPAN_RULES},
    "all": (ALIASES, tuple(SPAN_RULES)),
}
"""The aliases and the rules of each column."""


def main() -> None:
    """Print the table for the bundle that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("sets", nargs="*", type=Path, metavar="SET.jsonl")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="where MSRA lies; default: %(default)s")
    options = parser.parse_args()
    sets = [
        *msra_sets(options.cache),
        *(LabelledSet(path.stem, read_corpus_file(path, JSONL)) for path in options.sets),
    ]
    recognizers = [normalizing(options.bundle, *names) for names in COLUMNS.values()]
    print("set", *COLUMNS, sep="\t")
    for labelled in sets:
        print(labelled.name, *(f"{f1(recognizer, labelled):.2f}" for recognizer in recognizers), sep="\t", flush=True)


def normalizing(bundle: Path, aliases: Iterable[str], span_rules: Iterable[str]) -> Recognizer:
    """Return the model of a bundle with these aliases and rules in place of its own."""
    loaded = load_bundle(bundle)
    manifest = replace(loaded.manifest, normalization=normalization_of(aliases, span_rules), rules=None)
    return open_recognizer(replace(loaded, manifest=manifest))


def msra_sets(cache: Path) -> list[LabelledSet]:
    """Return MSRA's test rows as they are and as other people write them; every character stays in its place."""
    import opencc

    rows = read_msra(cache).test
    convert: Callable[[str], str] = opencc.OpenCC("s2t").convert
    lists = [row for row in rows if row.text.count("、") > 1]
    return [
        LabelledSet("msra", rows),
        LabelledSet("msra, traditional", [replace(row, text="".join(map(convert, row.text))) for row in rows]),
        LabelledSet("msra, lists", lists),
        LabelledSet("msra, lists with blanks", [replace(row, text=row.text.replace("、", " ")) for row in lists]),
    ]


def f1(recognizer: Recognizer, labelled: LabelledSet) -> float:
    """Return the exact-span F1 of the types that the set has, in percent."""
    return score_spans(counted_pairs(labelled, found_in(recognizer, labelled.sentences))).f1


if __name__ == "__main__":
    main()
