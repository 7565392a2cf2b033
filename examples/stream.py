"""Print the entities of one long document while it still arrives, with their places in the whole document.

    cat novel.txt | python examples/stream.py
    cat novel.txt | python examples/stream.py bundles/nano

Pieces may end anywhere, also inside a name. Memory does not grow with the length of the document. Line ends, and bytes
that are not UTF-8, stay as they are.
"""

from __future__ import annotations

import sys
from functools import partial
from io import TextIOWrapper

from edgener import Recognizer

PIECE = 4096
"""Characters that are read at once."""


def main(bundle: str = "default") -> None:
    """Read standard input to its end."""
    recognizer = Recognizer.load(bundle)
    document = TextIOWrapper(sys.stdin.buffer, "utf-8-sig", "surrogateescape", newline="")
    output = TextIOWrapper(sys.stdout.buffer, "utf-8", "surrogateescape")
    pieces = iter(partial(document.read, PIECE), "")
    for segment in recognizer.stream(pieces):
        for entity in segment.entities:
            print(entity.start, entity.end, entity.label, entity.text, sep="\t", file=output, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
