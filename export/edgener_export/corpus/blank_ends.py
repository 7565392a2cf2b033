"""White space at the ends of entities and of their types, with which no model and no option can name them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from edgener.tags import Span
from edgener_export.corpus.sentence import Sentence

INVISIBLE = "\u200b\u2060\ufeff"
"""Characters without a width, which ``str.strip`` leaves."""


def without_blank_ends(
    sentences: Iterable[Sentence], source: str, tell: Callable[[str], None] | None = None
) -> list[Sentence]:
    """Return the sentences with entities and types that neither begin nor end with white space.

    An entity of nothing else, and one whose type is nothing else, is left out. ``tell`` is given a line with the number
    of those that were changed, and one with that of those left out.
    """
    result, changed, lost = [], 0, 0
    for sentence in sentences:
        trimmed = [_trimmed(sentence.text, span) for span in sentence.spans]
        kept = tuple(filter(_is_anything, trimmed))
        lost += len(trimmed) - len(kept)
        changed += len(set(kept) - set(sentence.spans))
        left_out = tuple(filter(_is_anything, (_trimmed(sentence.text, span) for span in sentence.left_out)))
        result.append(replace(sentence, spans=kept, left_out=left_out))
    for number, what in (
        (changed, "entities or their types begin or end with white space, which is left out"),
        (lost, "entities are left out, as they or their types are nothing but white space"),
    ):
        if number and tell:
            tell(f"{source}: {number} {what}")
    return result


def _is_anything(span: Span) -> bool:
    return span.start < span.end and span.label != ""


def _trimmed(text: str, span: Span) -> Span:
    start, end, label = span
    while start < end and (text[start].isspace() or text[start] in INVISIBLE):
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in INVISIBLE):
        end -= 1
    return Span(start, end, label.strip())
