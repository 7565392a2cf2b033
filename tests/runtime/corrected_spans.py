"""The application of span rules to marked names, for their tests."""

from __future__ import annotations

from edgener.span_rules.registry import SPAN_RULES, apply_rules
from edgener.tags import ScoredSpan, Span

RULES = tuple(SPAN_RULES)


def corrected(text: str, *marked: tuple[str, str], rules: tuple[str, ...] = RULES) -> list[tuple[str, str]]:
    """Return text and type of the spans that the rules make of the first occurrences of the marked ones."""
    spans = sorted(ScoredSpan(Span((at := text.index(name)), at + len(name), label), 0.9) for name, label in marked)
    return [(text[span.start : span.end], span.label) for span, _ in apply_rules(rules, text, spans)]
