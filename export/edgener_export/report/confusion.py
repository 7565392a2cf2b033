"""Counts of the entities that are taken for others, not found, or found where nothing is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from edgener.tags import Span
from edgener_export.corpus.overlaps import overlap
from edgener_export.report.record import ConfusionRow


def confuse(pairs: Iterable[tuple[Sequence[Span], Sequence[Span]]]) -> tuple[ConfusionRow, ...]:
    """Count (expected, found) pairs, one a sentence: a row for each type, and a last one for no type.

    An entity whose ends are not both right counts once, in the row of its expected type, however many overlap it.
    """
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    other_ends: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    labels: set[str] = set()
    for expected_spans, found_spans in pairs:
        labels.update(span.label for span in (*expected_spans, *found_spans))
        types = {(span.start, span.end): span.label for span in found_spans}
        for span in expected_spans:
            if (span.start, span.end) in types:
                found[span.label][types[span.start, span.end]] += 1
            elif any(overlap(span, other) for other in found_spans):
                other_ends[span.label] += 1
            else:
                missed[span.label] += 1
        for span in found_spans:
            if not any(overlap(span, other) for other in expected_spans):
                found[""][span.label] += 1
    columns = sorted(labels)
    return tuple(
        ConfusionRow(row, {column: found[row][column] for column in columns}, other_ends[row], missed[row])
        for row in (*columns, "")
    )
