"""Find the entities of every line of a file, and write one JSON object for each line.

    python examples/batch_file.py news.txt entities.jsonl              the built-in model
    python examples/batch_file.py news.txt entities.jsonl bundles/nano

Lines of similar length are computed together; only a few hundred are in memory at once. A byte that is not UTF-8
becomes a lone surrogate, which JSON writes as an escape.
"""

from __future__ import annotations

import json
import sys
from itertools import tee
from pathlib import Path

from edgener import Recognizer


def main(source: str, target: str, bundle: str = "default") -> None:
    """Read ``source``, write ``target``."""
    recognizer = Recognizer.load(bundle)
    with (
        Path(source).open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as lines,
        Path(target).open("w", encoding="utf-8", errors="backslashreplace") as output,
    ):
        texts, copies = tee(line.removesuffix("\n").removesuffix("\r") for line in lines)
        for text, entities in zip(copies, recognizer.batch(texts), strict=True):
            row = {"text": text, "entities": [entity.to_dict() for entity in entities]}
            output.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
