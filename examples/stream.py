"""Print the entities of one long document while it still arrives, with their places in the whole document.

    cat novel.txt | python examples/stream.py
    cat novel.txt | python examples/stream.py bundles/nano

Pieces may end anywhere, also inside a name. Memory does not grow with the length of the document.
"""

from __future__ import annotations

import sys
from functools import partial

from edgener import Recognizer

PIECE = 4096
"""Characters that are read at once."""


def main(bundle: str = "default") -> None:
    """Read standard input to its end."""
    recognizer = Recognizer.load(bundle)
    pieces = iter(partial(sys.stdin.read, PIECE), "")
    for segment in recognizer.stream(pieces):
        for entity in segment.entities:
            print(entity.start, entity.end, entity.label, entity.text, sep="\t", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
