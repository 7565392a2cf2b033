"""Places: the sections of roads."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgener.span_rules.edits import PLACE, extended
from edgener.tags import ScoredSpan, Span

_NUMBER = "[0-9０-９]+"
ROAD = re.compile("(?<![铁鐵公])路|街|大道")
"""The end of the name of a road that has sections."""
ROAD_SECTION = re.compile(
    f"(?:[东東南西北中]|[一二三四五六七八九十]{{1,2}}|[0-9０-９]{{1,2}})段"
    f"(?:{_NUMBER}巷)?(?:{_NUMBER}弄)?(?:{_NUMBER}(?:[之-]{_NUMBER})?[号號])?"
)
"""A section of a road, with lane, alley and number."""


def road_sections(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans, with the sections of roads and their numbers, as in 文化路一段100號."""
    if "段" not in text:
        return list(spans)

    def end_of(span: Span) -> int:
        is_road = span.label == PLACE and (ROAD.match(text, span.end - 1) or ROAD.match(text, span.end - 2))
        found = ROAD_SECTION.match(text, span.end) if is_road else None
        return found.end() if found else span.end

    return extended(spans, end_of)
