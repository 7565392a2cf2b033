"""Unlabelled texts with the kind of text that each is, as JSON lines or as plain lines of one kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from edgener_export.corpus.text_file import UTF_8, iterate_lines, suffix_inside
from edgener_export.errors import CorpusError
from edgener_export.labelling.fuse import KINDS


class KindText(NamedTuple):
    """An unlabelled text and its kind."""

    text: str
    kind: str
    """One of ``fuse.KINDS``."""


def read_kind_texts(path: Path, kind: str, encoding: str = UTF_8, remedy: str = "") -> Iterator[KindText]:
    """Yield the texts of a file: JSON lines, which may say the kind of each, or lines; all others are of ``kind``.

    Raises CorpusError, which names the file and the line, and the ``remedy`` where the file is in another encoding.
    """
    is_json = suffix_inside(path) == ".jsonl"
    for number, line in enumerate(iterate_lines(path, encoding=encoding, remedy=remedy), 1):
        if not line.strip():
            continue
        yield _parsed(f"{path}:{number}", line, kind) if is_json else KindText(line, kind)


def _parsed(place: str, line: str, kind: str) -> KindText:
    try:
        row = json.loads(line)
        found = KindText(row["text"], row.get("kind", kind))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorpusError(f'{place}: expected {{"text": …}}, found {line!r:.60}') from error
    if found.kind not in KINDS or not isinstance(found.text, str):
        raise CorpusError(f"{place}: kind {found.kind!r} is unknown; known: {', '.join(KINDS)}")
    return found
