"""Entities that overlap or are nested: the longest one is kept, because a tag sequence can hold no other."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from edgener.tags import Span
from edgener_export.corpus.labelled_file import LEFT_OUT, Trouble


def overlap(one: Span, other: Span) -> bool:
    """Return True if both spans share a character; touching is not overlapping."""
    return one.start < other.end and other.start < one.end


def without_overlaps(
    text: str, spans: Iterable[Span], line: int, file: str = ""
) -> tuple[tuple[Span, ...], tuple[Span, ...], tuple[Trouble, ...]]:
    """Return the spans that are kept, sorted, those that overlap one of them, and one trouble for each left out.

    The longest of overlapping spans is kept, of equally long ones the first, of equal ones the type that comes first
    in the alphabet.
    """
    kept: list[Span] = []
    left_out: list[tuple[Span, str]] = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span)):
        place = bisect_left(kept, (span.start,))
        neighbours = kept[max(place - 1, 0) : place + 1]
        rivals = [other for other in neighbours if overlap(other, span)]
        if not rivals:
            insort(kept, span)
        elif span in rivals:
            left_out.append((span, "is there twice and counts once"))
        else:
            rival = "a longer" if rivals[0].end - rivals[0].start > span.end - span.start else "an equally long"
            left_out.append((span, f"overlaps {rival} name and is left out"))
    troubles = (
        Trouble(line, f"{span.label} {text[span.start : span.end]!r:.60} {why}", LEFT_OUT, file)
        for span, why in sorted(left_out)
    )
    overlapping = (span for span, _ in sorted(left_out) if span not in kept)
    return tuple(kept), tuple(overlapping), tuple(troubles)
