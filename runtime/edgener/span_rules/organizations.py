"""Names of organizations: a bracket in their middle, and their legal form at the end."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgener.aliases import IDEOGRAPH
from edgener.span_rules.edits import ORGANIZATION, extended, joined
from edgener.tags import ScoredSpan, Span

_BRACKETS = {"（": "）", "(": ")"}
PARTNERSHIP = re.compile(rf"[（(](?:有限合伙|特殊普通合伙|普通合伙)[）)](?:[{IDEOGRAPH}]{{2,4}}分所)?")
"""The legal form of a Chinese partnership, and the branch of an office that follows it."""
LATIN_FORM = re.compile(
    r"(?:\.com)?"
    r"(?:,?[ \xa0](?:Holdings?|Technologies|Group)(?=[ \xa0,]))*"
    r"(?:(?:,?[ \xa0]|,)(?:Inc|Ltd|LLC|Corp|Corporation|Company|Co|GmbH|plc|PLC|AG)(?![A-Za-z0-9-])\.?)+"
)
"""The legal forms and descriptive words at the end of a Latin name of a company."""
_LATIN_END = re.compile(r"[A-Za-z]|(?<=[A-Za-z])\.")


def joined_brackets(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans, with organizations joined that are one name with a bracket in it: 北京理工大学（珠海）学院.

    A bracket that repeats the beginning of the name before it is no part of it.
    """
    if not ("（" in text or "(" in text):
        return list(spans)

    def are_one(before: Span, span: Span) -> bool:
        opening = text[before.end : span.start]
        return (
            span.label == ORGANIZATION
            and opening in _BRACKETS
            and span.start < text.find(_BRACKETS[opening], span.start, span.end) < span.end - 2
            and not text.startswith(text[before.start : before.start + 2], span.start)
        )

    return joined(spans, are_one)


def legal_forms(text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans, with the legal form in the names of organizations, as in 立信会计师事务所（特殊普通合伙）.

    So it is with Latin names: Huawei Technologies Co., Ltd.
    """

    def end_of(span: Span) -> int:
        if span.label == ORGANIZATION:
            form = LATIN_FORM if _LATIN_END.match(text, span.end - 1) else PARTNERSHIP
            found = form.match(text, span.end)
            if found:
                return found.end()
        return span.end

    return extended(spans, end_of)
