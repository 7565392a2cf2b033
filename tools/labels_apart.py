"""Labels without their texts, for texts whose licenses do not let them be passed on, and their way back to the texts.

    python -m tools.labels_apart split labelled.jsonl labels.jsonl.xz
    python -m tools.labels_apart join export/recipes/real-labels.jsonl.xz texts.txt.xz more.txt.xz labelled.jsonl

A text stands for itself by the first 16 hexadecimal digits of the SHA-256 of its UTF-8. Who has the texts joins both
again; texts are lines, and those without labels are left out. Labels are facts about a text and carry none of it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from edgener_export.corpus.json_rows import write_json_lines
from edgener_export.corpus.reading import read_labelled
from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.text_file import iterate_lines

DIGITS = 16
Row = dict[str, Any]
"""A text or its digest, and its entities: start, end and type, in code points."""


def main() -> None:
    """Split or join, and say how many texts there are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("split", "join"))
    parser.add_argument("files", type=Path, nargs="+", help="what is read, and last what is written")
    options = parser.parse_args()
    first, *texts, target = options.files
    if options.what == "split":
        rows = list(split(read_labelled(first).sentences))
    else:
        labels = [json.loads(line) for line in iterate_lines(first) if line]
        rows = list(join(labels, (line for path in texts for line in iterate_lines(path))))
    write_json_lines(rows, target)
    print(f"{target}: {len(rows)} texts", file=sys.stderr)


def split(sentences: Iterable[Sentence]) -> Iterator[Row]:
    """Yield the labels of each sentence, beside the digest of its text."""
    for sentence in sentences:
        spans = [[span.start, span.end, span.label] for span in sentence.spans]
        yield {"text": digest(sentence.text), "entities": spans}


def join(labels: Iterable[Row], texts: Iterable[str]) -> Iterator[Row]:
    """Yield each text that has labels, once, with them."""
    left = {row["text"]: row["entities"] for row in labels}
    for text in texts:
        entities = left.pop(digest(text), None)
        if entities is not None:
            yield {"text": text, "entities": entities}


def digest(text: str) -> str:
    """Return what stands for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


if __name__ == "__main__":
    main()
