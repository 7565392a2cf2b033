"""Segmentation of text of any length into pieces that fit the model, in two steps of the same kind.

Text is first cut into chunks of bounded length, which bounds the memory, and the tokens of a chunk into windows,
which bounds what the model sees at once. Both cuts are made at sentence ends where there are any. Where there are
none, neighbours overlap: each owns a core range, the cores cover everything once, and an entity belongs to the window
whose core it starts in. The margin around the core is context, long enough for an entity that starts in the core to
end there.

Sentence ends are of two kinds. Certain ones always separate windows. Doubtful ones may stand inside a name, as in
"约翰. 史密斯" or "Yahoo! 日本", and separate windows only where a sentence would not fit into one; these overlap, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

CHUNK = 8192
"""Longest chunk in code points."""
CHUNK_MARGIN = 256
"""Context in code points on each side of a chunk's core where no sentence ends."""
BLOCK = 1 << 16
"""Code points that are copied at once out of a long string."""
LATIN = "A-Za-zÀ-ÖØ-öø-ɏＡ-Ｚａ-ｚ"
"""Latin letters, as the inside of a regular expression's brackets."""
LATIN_LETTER = re.compile(f"[{LATIN}]")
WORD_CHARACTERS = "".join(
    filter(re.compile(f"[0-9０-９{LATIN}]").match, map(chr, [*range(0x250), *range(0xFF10, 0xFF5B)]))
)
"""Every character of Latin words and numbers."""
INSIDE_WORD = re.compile(f"[0-9０-９{LATIN}]{{2}}")
"""Two neighbouring characters of one Latin word or number."""
ABBREVIATION = re.compile(
    "Bros|Capt|Co|Col|Corp|Drs?|Ft|Gen|Gov|Hon|Inc|Jr|Lt|Ltd|Messrs|Mlle|Mme|Mrs?|Ms|Mt|No|Prof|Rep|Rev|Sen|Sgt|Sr|"
    f"Ste?|Vol|vs|[{LATIN}]"
)
"""Words and initials whose point belongs to them."""
_MARKS = "。！？!?…"
_CLOSING = "[”’」』）》】〉\"')]*"
_CERTAIN_MARK = (
    rf"(?:[。…]|(?<![{LATIN}!?])[!?]|(?<![{LATIN}])[！？]|[！？](?![ \t\u3000]*[{LATIN}]))[{_MARKS}]*{_CLOSING}"
)
SENTENCE_END = re.compile(rf"{_CERTAIN_MARK}|[\r\n\u2028\u2029]+")
"""Certain sentence ends: marks, but for those after Latin letters, and line breaks."""
WRAPPED_SENTENCE_END = re.compile(rf"{_CERTAIN_MARK}|(?:\r\n|\r(?!\n)|[\n\u2028])(?=\s)\s*|\u2029")
"""Certain sentence ends of wrapped text, in which a line break ends a paragraph only before white space."""
DOUBTFUL_END = re.compile(rf"[!?！？]+{_CLOSING}|(?<![{LATIN}])(?P<word>[{LATIN}]*)\.(?=\s+(?P<next>\S))")
"""Candidates for doubtful sentence ends: marks, and points before white space."""


class Chunk(NamedTuple):
    """A part of a document with its context."""

    offset: int
    """Code points of the document before ``text``."""
    text: str
    """Context, core, context."""
    core_start: int
    """The position in ``text`` at which the core starts."""
    core_end: int
    """The position in ``text`` at which the core ends."""
    following: str = ""
    """The document's text after ``text``, as much of it as was asked for."""


class Window(NamedTuple):
    """A window over positions, and the part of it that it owns; all ranges are half-open."""

    start: int
    """First position that the model sees."""
    core_start: int
    """First position that the window owns."""
    core_end: int
    """One past the last position that it owns."""
    end: int
    """One past the last position that the model sees."""


def chunks(
    pieces: Iterable[str],
    limit: int = CHUNK,
    margin: int = CHUNK_MARGIN,
    *,
    join_lines: bool = False,
    ahead: int = 0,
) -> Iterator[Chunk]:
    """Yield chunks of at most ``limit`` code points of the document that ``pieces`` make up, in order.

    The cores, laid side by side, are the document. An empty document has no chunk. With ``join_lines``, the text is
    wrapped: a sentence goes on in the next line. Each chunk comes with ``ahead`` code points of the text after it,
    unless the document ends before; they do not change where it is cut.
    """
    buffer, offset, core_start = "", 0, 0
    for block, needed in chain(((block, limit + ahead) for block in _blocks(pieces)), [("", limit)]):
        buffer += block
        position = 0
        while len(buffer) - position > needed:
            text = buffer[position : position + limit]
            sentence_end = _last_sentence_end(text, join_lines)
            if sentence_end > core_start:
                end = position + sentence_end
                following = buffer[end : end + ahead]
                yield Chunk(offset + position, text[:sentence_end], core_start, sentence_end, following)
                position, core_start = end, 0
            else:
                core_end = _word_start(text, margin + 1, limit - margin)
                following = buffer[position + limit : position + limit + ahead]
                yield Chunk(offset + position, text, core_start, core_end, following)
                position, core_start = position + core_end - margin, margin
        buffer, offset = buffer[position:], offset + position
    if len(buffer) > core_start:
        yield Chunk(offset, buffer, core_start, len(buffer))


def sentence_ends(text: str, *, join_lines: bool = False) -> Iterator[int]:
    """Yield the certain ends of sentences, ascending; the last one is the length of the text."""
    end = 0
    for match in _certain_end(join_lines).finditer(text):
        end = match.end()
        yield end
    if end < len(text):
        yield len(text)


def doubtful_ends(text: str) -> Iterator[int]:
    """Yield the positions where a sentence may end or go on, ascending.

    A point after a single letter, after an abbreviation or between Latin words is no sentence end.
    """
    for match in DOUBTFUL_END.finditer(text):
        word, following = match["word"], match["next"]
        if not word or not (ABBREVIATION.fullmatch(word) or LATIN_LETTER.match(following)):
            yield match.end()


def passages(start: int, end: int, cuts: Sequence[int], limit: int) -> Iterator[tuple[int, int]]:
    """Yield half-open ranges that cover the positions from ``start`` to ``end`` and are cut at some of ``cuts`` only.

    Each range is as long as it can be within ``limit``; it is longer only if no cut lies within the limit.
    """
    end_of_fitting = start
    for cut in [*(cut for cut in cuts if start < cut < end), end]:
        if cut - start > limit and end_of_fitting > start:
            yield start, end_of_fitting
            start = end_of_fitting
        end_of_fitting = cut
    if end > start:
        yield start, end


def windows(start: int, end: int, limit: int, margin: int) -> Iterator[Window]:
    """Yield windows of at most ``limit`` positions over a sentence; several overlap and are of nearly equal length."""
    if end - start <= limit:
        if end > start:
            yield Window(start, start, end, end)
        return
    core = limit - 2 * margin
    count = -(-(end - start - 2 * margin) // core)
    edges = [start + margin + (end - start - 2 * margin) * number // count for number in range(count + 1)]
    edges[0], edges[-1] = start, end
    for core_start, core_end in pairwise(edges):
        yield Window(max(start, core_start - margin), core_start, core_end, min(end, core_end + margin))


def _blocks(pieces: Iterable[str]) -> Iterator[str]:
    for piece in pieces:
        for start in range(0, len(piece), BLOCK):
            yield piece[start : start + BLOCK]


def _certain_end(join_lines: bool) -> re.Pattern[str]:
    return WRAPPED_SENTENCE_END if join_lines else SENTENCE_END


def _last_sentence_end(text: str, join_lines: bool) -> int:
    end = 0
    for match in _certain_end(join_lines).finditer(text):
        end = match.end()
    return end


def _word_start(text: str, lowest: int, position: int) -> int:
    """Return the last position up to ``position`` that is not inside a Latin word or number.

    If there is none from ``lowest`` on, ``position`` itself is returned: no language has words of that length.
    """
    start = position
    while start >= lowest and INSIDE_WORD.match(text, start - 1):
        start -= 1
    return start if start >= lowest else position
