"""The type of a span rule, the entity types that some rules are about, and the changes of spans that they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from edgener.tags import ScoredSpan, Span

Rule = Callable[[str, Sequence[ScoredSpan]], list[ScoredSpan]]
"""A function of a text and of its spans alone.

Spans are half-open ranges of code points of the text, ascending, and never overlap, before a rule and after it.
"""
PERSON, PLACE, ORGANIZATION = "PER", "LOC", "ORG"


def trimmed(spans: Iterable[ScoredSpan], ends: Callable[[int, int], tuple[int, int]]) -> list[ScoredSpan]:
    """Return the spans with the start and end that ``ends`` gives for theirs, without those that become empty."""
    result = []
    for found in spans:
        (start, end, label), score = found
        first, last = ends(start, end)
        if first == start and last == end:
            result.append(found)
        elif first < last:
            result.append(ScoredSpan(Span(first, last, label), score))
    return result


def extended(spans: Sequence[ScoredSpan], end_of: Callable[[Span], int], taking: str = "") -> list[ScoredSpan]:
    """Return the spans with the end that ``end_of`` gives for each, without those that lie in what one has taken in.

    A span stays as it is where the next ones reach beyond the end that it would get, or are of another type than
    ``taking``, if that is given.
    """
    result: list[ScoredSpan] = []
    for number, found in enumerate(spans):
        span = found.span
        if result and span.start < result[-1].span.end:
            continue
        end = end_of(span)
        reached = (other.span for other in spans[number + 1 :] if other.span.start < end)
        if end > span.end and all(other.end <= end and taking in ("", other.label) for other in reached):
            found = ScoredSpan(span._replace(end=end), found.score)
        result.append(found)
    return result


def joined(spans: Iterable[ScoredSpan], are_one: Callable[[Span, Span], bool]) -> list[ScoredSpan]:
    """Return the spans, with neighbours of one type joined, with what is between them, where ``are_one`` says so.

    The less certain part gives the score.
    """
    result: list[ScoredSpan] = []
    for found in spans:
        if result and result[-1].span.label == found.span.label and are_one(result[-1].span, found.span):
            before = result.pop()
            whole = found.span._replace(start=before.span.start)
            found = ScoredSpan(whole, min(found.score, before.score))
        result.append(found)
    return result
