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

    An entity of nothing else is left out. ``tell`` is given a line with the number of those that were changed.
    """
    result, changed = [], 0
    for sentence in sentences:
        spans = [_trimmed(sentence.text, span) for span in sentence.spans]
        changed += sum(span != before for span, before in zip(spans, sentence.spans, strict=True))
        kept = tuple(span for span in spans if span.start < span.end)
        left_out = tuple(_trimmed(sentence.text, span) for span in sentence.left_out)
        result.append(replace(sentence, spans=kept, left_out=tuple(span for span in left_out if span.start < span.end)))
    if changed and tell:
        tell(f"{source}: {changed} entities or their types begin or end with white space, which is left out")
    return result


def _trimmed(text: str, span: Span) -> Span:
    start, end, label = span
    while start < end and (text[start].isspace() or text[start] in INVISIBLE):
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in INVISIBLE):
        end -= 1
    return Span(start, end, label.strip())
