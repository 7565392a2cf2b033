"""Print what a dictionary of invented words costs: its memory, and its look-ups for each character of a text.

    python tools/dictionary_cost.py                     300,000 words, the sample text of the documentation
    python tools/dictionary_cost.py --words 50000 TEXT

The words have two to eight characters. Half of them begin with two characters that stand side by side in the sample, so
that the figures are those of a text whose every character may begin a word; hardly any word occurs twice.
"""

from __future__ import annotations

import argparse
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from edgener.dictionary import Dictionary
from edgener.word_files import Word

SAMPLE = Path(__file__).parent.parent / "docs" / "sample.txt"
IDEOGRAPHS = range(0x4E00, 0x9C00)


def invented_words(count: int, seed: int = 7) -> Iterator[Word]:
    """Yield ``count`` words of two to eight characters with their types, the same ones each time."""
    draw = random.Random(seed)
    sample = SAMPLE.read_text(encoding="utf-8")
    for line in range(1, count + 1):
        length = draw.choice((2, 3, 3, 4, 4, 4, 5, 6, 8))
        at = draw.randrange(len(sample) - 2)
        drawn = "".join(map(chr, draw.choices(IDEOGRAPHS, k=length)))
        word = sample[at : at + 2] + drawn[2:] if line % 2 else drawn
        yield Word(line, word, ("PER", "LOC", "ORG")[length % 3], 0)


def main() -> None:
    """Print the memory and the look-ups of a dictionary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=300_000, metavar="N", help="number of words; default: %(default)s")
    parser.add_argument("text", nargs="?", type=Path, default=SAMPLE, metavar="TEXT", help="default: docs/sample.txt")
    options = parser.parse_args()
    text = options.text.read_text(encoding="utf-8")
    tracemalloc.start()
    dictionary = Dictionary(invented_words(options.words), "invented words", str)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    with patch.object(dictionary, "_find", wraps=dictionary._find) as find:
        found = sum(1 for _ in dictionary.matches(text))
    print(f"{len(dictionary)} words: {kept / 1e6:.1f} MB, at most {peak / 1e6:.1f} MB while they are read")
    print(f"{len(text)} characters: {find.call_count / len(text):.2f} look-ups a character, {found} words found")


if __name__ == "__main__":
    main()
