"""Weibo NER: a character with the number of its place in its word, a tab and a BIO tag a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from edgener_export.corpus.columns import (
    WORD_PLACE,
    layout_of,
    looks_tagged,
    rows_of_sentences,
    sentence_of,
    word_places,
)
from edgener_export.corpus.labelled_file import NOTE, Format, Labelled, LabelledFile, Trouble

BAD_BYTES = re.compile("\ufffd+")


def recognizes(file: LabelledFile) -> bool:
    """Tell whether each token is a character and the number of its place in its word."""
    return looks_tagged(file) and file.once(word_places) != "none"


def read(file: LabelledFile) -> Iterator[Labelled]:
    """Yield the sentences, without the numbers.

    Bad bytes are read: the corpus's emoji were torn apart by those who made it, and each becomes one U+FFFD.
    """
    lenient = replace(file, errors="replace", _measures={})
    layout = lenient.once(layout_of)
    for rows in rows_of_sentences(lenient, layout):
        tokens, torn = [], []
        for row in rows:
            match = WORD_PLACE.fullmatch(BAD_BYTES.sub("\ufffd", row.columns[0]))
            if not match:
                raise file.error(row.line, f"expected a character and a digit like 科0, not {row.columns[0]!r:.40}")
            tokens.append(match[1])
            if match[0] != row.columns[0]:
                torn.append(Trouble(row.line, "bytes that are no character became U+FFFD", NOTE))
        for row in rows:
            if row.tag[0] not in "BIO":
                raise file.error(row.line, f"tag {row.tag} does not belong to Weibo NER, whose tags begin with B or I")
        yield sentence_of(rows, tokens, "bio", torn)


FORMATS = (
    Format(
        name="weibo",
        summary="Weibo NER: a character with a digit, a tab and a BIO tag a line",
        recognizes=recognizes,
        read=read,
    ),
)
