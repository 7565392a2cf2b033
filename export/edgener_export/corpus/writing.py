"""Functions that the writers of all formats share: packed text, and the refusal of what a format cannot hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from edgener_export.corpus.sentence import Sentence
from edgener_export.corpus.text_file import open_packed
from edgener_export.errors import CorpusError

LINE_BREAK = "a line break"
HALF_PAIR = "half a surrogate pair"
TWO_HALVES = "two halves of a surrogate pair side by side"
BLANK = "a blank"
BLANK_OR_TAB = "a blank or a tab"
ANY_LINE_END = "a line end"
NUL = "a NUL character"
LEADING_MARK = "a byte order mark at its start"
REFUSALS = {
    LINE_BREAK: re.compile("\n"),
    ANY_LINE_END: re.compile("[\n\r]"),
    HALF_PAIR: re.compile("[\ud800-\udfff]"),
    TWO_HALVES: re.compile("[\ud800-\udbff][\udc00-\udfff]"),
    BLANK: re.compile(r"[\s\x02]"),
    BLANK_OR_TAB: re.compile("[ \t\x02]"),
    NUL: re.compile("\0"),
    LEADING_MARK: re.compile("\\A\ufeff"),
}
"""Parts that some format cannot hold, and the pattern that finds each in a text or in an entity type."""


def write_pieces(pieces: Iterable[str], path: Path) -> None:
    """Write pieces of text as UTF-8, packed if the path is called .xz or .gz."""
    with open_packed(path, "wb") as file:
        for piece in pieces:
            file.write(piece.encode("utf-8"))


def writable(
    sentences: Iterable[Sentence],
    format_name: str,
    *,
    texts: Sequence[str] = (),
    types: Sequence[str] = (),
    empty: bool = True,
    holds_all: bool = False,
) -> Iterator[Sentence]:
    """Yield the sentences of which the format can hold each.

    Raises CorpusError, which counts sentences from 1, for the first whose text or an entity type of which has one of
    these keys of ``REFUSALS``, that is empty where it may not be, or that has ignored ranges or a category in a format
    which does not hold all of a sentence.
    """
    for number, sentence in enumerate(sentences, start=1):
        if not (sentence.text or empty):
            raise CorpusError(f"sentence {number} has no text, which {format_name} cannot hold; convert to jsonl")
        if not holds_all and (sentence.ignored or sentence.category):
            what = "ignored ranges" if sentence.ignored else "a category"
            raise CorpusError(f"sentence {number} has {what}, which {format_name} cannot hold; convert to jsonl")
        for what in texts:
            if REFUSALS[what].search(sentence.text):
                raise CorpusError(f"sentence {number} has {what}, which {format_name} cannot hold; convert to jsonl")
        for span in sentence.spans:
            for what in types:
                if REFUSALS[what].search(span.label):
                    raise CorpusError(
                        f"sentence {number}: the type {span.label!r} has {what}, which {format_name} cannot hold; "
                        "convert to jsonl"
                    )
        yield sentence
