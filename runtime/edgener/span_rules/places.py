"""Places: the sections of roads."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgener.span_rules.edits import PLACE, extended
from edgener.tags import ScoredSpan, Span

_NUMBER = "[0-9０-９〇一二三四五六七八九十百]+"
_PLACE_ON_ROAD = f"(?:{_NUMBER}巷)?(?:{_NUMBER}弄)?(?:{_NUMBER}(?:[之-]{_NUMBER})?[号號])?"
ROADS = ("路", "街", "大道")
"""The ends of the names of roads that have sections."""
NO_ROADS = ("公路", "铁路", "鐵路", "高速路")
ROAD_SECTION = re.compile(
    f"(?:[东東南西北中]|[二三四五六七八九十]{{1,2}}|[2-9２-９])段(?!时|時|路|距|一段){_PLACE_ON_ROAD}"
    f"|[一1１]段(?={_NUMBER}[巷弄之号號-]){_PLACE_ON_ROAD}"
)
"""A section of a road, with lane, alley and number; the first one only with a number, since 一段 is also a stretch."""


def road_sections(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans, with the sections of roads and their numbers, as in 文化路一段100號."""
    if "段" not in text:
        return list(spans)

    def end_of(span: Span) -> int:
        name = text[span.start : span.end]
        is_road = span.label == PLACE and name.endswith(ROADS) and not name.endswith(NO_ROADS)
        found = ROAD_SECTION.match(text, span.end) if is_road else None
        return found.end() if found else span.end

    return extended(spans, end_of)
