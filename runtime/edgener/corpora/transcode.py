"""Text in any encoding as UTF-8, so that all that follows knows one encoding only."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from edgener.line_reader import UTF_8
from edgener.lone_surrogates import UNDECODABLE

NEVER_UTF_8 = b"\xff"
"""A byte that no text in UTF-8 holds; it stands for each byte that cannot be decoded."""


def as_utf_8(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield text that is in ``encoding`` as UTF-8, with NEVER_UTF_8 for each byte that cannot be decoded.

    Raises UnicodeError where a byte below 128 cannot be decoded, as in UTF-16.
    """
    if encoding == UTF_8:
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
    for block in blocks:
        yield _encoded(decoder.decode(block))
    yield _encoded(decoder.decode(b"", final=True))


def _encoded(text: str) -> bytes:
    return NEVER_UTF_8.join(part.encode() for part in UNDECODABLE.split(text))
