"""Print what a dictionary costs: its memory, the time of reading it, and the share that it adds to the recognition.

    python tools/dictionary_cost.py                        300,000 words, sentences of the recipes' unlabelled text
    python tools/dictionary_cost.py --words 50000 --text notes.txt --model bundles/nano

There are three dictionaries, each of which adds to the time in another way:

names       names of export/recipes/names.tsv.xz and others that are made of the beginning of one and the end of another
beginnings  half of the words begin with two characters that stand side by side in the text: every place is looked up
pairs       the same with words of two characters: nearly every two characters of the text are a word of the dictionary

All times are processor time of one thread, which other programs disturb less than they disturb the wall clock. The text
is recognized in turns without and with the dictionary; the share is the median of the ratios of neighbouring turns.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median

from edgener import Recognizer, Rules
from edgener.table import table
from edgener.word_files import Word
from edgener_export.corpus.name_swap import read_names
from edgener_export.corpus.text_file import read_lines

RECIPES = Path(__file__).parent.parent / "export" / "recipes"
SENTENCES = 200
"""Sentences of the unlabelled text that are recognized by default, evenly spread over it."""
IDEOGRAPHS = range(0x4E00, 0x9C00)
LABELS = ("PER", "LOC", "ORG")


def names(count: int) -> Iterator[Word]:
    """Yield ``count`` different names with their types, the same ones each time."""
    known = read_names(RECIPES / "names.tsv.xz", LABELS)
    draw = random.Random(7)
    made = {name.text: name.label for name in known}
    endings = [name for name in known if len(name.text) > 2]
    while len(made) < count:
        first, last = draw.choice(known), draw.choice(endings)
        made.setdefault(first.text[:2] + last.text[2:], last.label)
    for line, (text, label) in enumerate(islice(made.items(), count), 1):
        yield Word(line, text, label, 0)


def invented_words(count: int, text: str, shortest: int) -> Iterator[Word]:
    """Yield ``count`` different words of ``shortest`` to eight characters with their types, the same ones each time.

    Every other word begins with two characters that stand side by side in ``text``.
    """
    draw = random.Random(7)
    pairs = [text[at : at + 2] for at in range(len(text) - 1) if text[at : at + 2].isalpha()]
    lengths = [length for length in (2, 3, 3, 4, 4, 4, 5, 6, 8) if length >= shortest]
    made: dict[str, None] = {}
    while len(made) < count:
        drawn = "".join(map(chr, draw.choices(IDEOGRAPHS, k=draw.choice(lengths))))
        made.setdefault(draw.choice(pairs) + drawn[2:] if len(made) % 2 else drawn)
    for line, word in enumerate(made, 1):
        yield Word(line, word, LABELS[len(word) % 3], 0)


def processor_time(work: Callable[[], object]) -> float:
    """Return the seconds of processor time that some work takes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def costs(plain: Recognizer, rules: Rules, texts: Sequence[str], rounds: int) -> tuple[str, ...]:
    """Return the cells of a row of the table."""
    ruled = plain.with_rules(rules)
    reading = min(processor_time(lambda: plain.with_rules(rules)) for _ in range(2))
    tracemalloc.start()
    plain.with_rules(rules)
    peak = tracemalloc.get_traced_memory()[1]
    kept_by_second = plain.with_rules(rules)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept_by_second
    turns = [
        (processor_time(lambda: list(plain.batch(texts))), processor_time(lambda: list(ruled.batch(texts))))
        for _ in range(rounds)
    ]
    without = median(seconds for seconds, _ in turns)
    share = median(ruled_seconds / plain_seconds for plain_seconds, ruled_seconds in turns) - 1
    characters = sum(map(len, texts))
    forced = sum(entity.score == 1.0 for entities in ruled.batch(texts) for entity in entities)
    return (
        f"{kept / 1e6:.1f} MB",
        f"{peak / 1e6:.1f} MB",
        f"{reading:.2f} s",
        f"{100 * forced / characters:.1f}",
        f"{1e6 * without / characters:.1f} µs",
        f"{share * 1e6 * without / characters:.1f} µs",
        f"{100 * share:.1f} %",
    )


def main() -> None:
    """Print the costs of the three dictionaries."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=300_000, metavar="N", help="number of words; default: %(default)s")
    parser.add_argument("--text", type=Path, metavar="FILE", help="sentences, one a line; default: unlabelled.txt.xz")
    parser.add_argument("--model", default="default", metavar="BUNDLE", help="directory; default: the built-in model")
    parser.add_argument(
        "--rounds", type=int, default=25, metavar="N", help="turns of recognition; default: %(default)s"
    )
    options = parser.parse_args()
    lines = read_lines(options.text or RECIPES / "unlabelled.txt.xz")
    texts = lines if options.text else lines[:: len(lines) // SENTENCES]
    text = "\n".join(texts)
    plain = Recognizer.load(options.model)
    print(f"{options.words} words, {len(texts)} texts with {len(text) - len(texts) + 1} characters")
    heads: tuple[str, ...] = (
        "dictionary",
        "kept",
        "at most",
        "reading",
        "forced per 100",
        "recognition",
        "dictionary",
        "share",
    )
    rows = [heads]
    dictionaries = {
        "names": names(options.words),
        "beginnings": invented_words(options.words, text, shortest=3),
        "pairs": invented_words(options.words, text, shortest=2),
    }
    with tempfile.TemporaryDirectory() as directory:
        for name, words in dictionaries.items():
            path = Path(directory) / f"{name}.tsv"
            path.write_text("".join(f"{word.text}\t{word.label}\n" for word in words), encoding="utf-8")
            rows.append((name, *costs(plain, Rules(path), texts, options.rounds)))
    print(table(rows), end="")


if __name__ == "__main__":
    main()
