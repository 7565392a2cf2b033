"""Text in any encoding as UTF-8, so that all that follows knows one encoding only."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from edgener.line_reader import UTF_8

NEVER_UTF_8 = b"\xff"
"""A byte that no text in UTF-8 holds; it stands for each byte that cannot be decoded."""
MARK = "\udcff"
"""The same byte in decoded text."""


MARKED = "edgener-marked"
"""Name of the handler of errors that puts a mark for each byte."""


def as_utf_8(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield text that is in ``encoding`` as UTF-8, with NEVER_UTF_8 for each byte that cannot be decoded.

    Raises UnicodeError where nothing can be decoded, as in UTF-16 without a byte order mark.
    """
    if encoding == UTF_8:
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(encoding)(MARKED)
    for block in blocks:
        yield _encoded(decoder.decode(block))
    yield _encoded(decoder.decode(b"", final=True))


def _marked(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return MARK * (error.end - error.start), error.end


codecs.register_error(MARKED, _marked)


def _encoded(text: str) -> bytes:
    return NEVER_UTF_8.join(part.encode() for part in text.split(MARK))
