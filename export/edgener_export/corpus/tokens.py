"""Sentences from tokens with tags, and tags for the characters of a sentence."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from edgener.tags import Span
from edgener_export.corpus.schemes import tags_to_spans
from edgener_export.corpus.sentence import Sentence

WITHOUT_SPACES = ("CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO", "THAI", "LAO", "KHMER", "MYANMAR", "IDEOGRAPHIC")
"""First words of the Unicode names of letters whose scripts put no spaces between words."""


def tagged_sentence(tokens: Sequence[str], tags: Sequence[str]) -> Sentence:
    """Return the sentence that tagged tokens stand for.

    Tokens follow each other without a space, as characters and Chinese words do. Two words of a script that writes
    spaces get one between them, if at least one of them is longer than a character: ``New``, ``York`` is New York,
    while ``I``, ``B``, ``M`` is IBM.
    """
    starts, ends = [], []
    pieces: list[str] = []
    length = 0
    before = ""
    for token in tokens:
        if before and token and needs_space(before, token):
            pieces.append(" ")
            length += 1
        starts.append(length)
        length += len(token)
        ends.append(length)
        pieces.append(token)
        before = token
    spans = (Span(starts[span.start], ends[span.end - 1], span.label) for span in tags_to_spans(tags))
    return Sentence("".join(pieces), tuple(spans))


def needs_space(before: str, after: str) -> bool:
    """Tell whether two tokens are words of scripts that put a space between words."""
    return (len(before) > 1 or len(after) > 1) and _writes_spaces(before[-1]) and _writes_spaces(after[0])


def _writes_spaces(character: str) -> bool:
    if character.isascii():
        return character.isalnum()
    return character.isalnum() and not unicodedata.name(character, "CJK").startswith(WITHOUT_SPACES)
