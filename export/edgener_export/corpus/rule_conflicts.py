"""Labels that contradict a bundle's span rules, which were made for names of people, places and organizations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from edgener.span_rules.registry import SPAN_RULES
from edgener.tags import ScoredSpan, Span
from edgener_export.corpus.sentence import Sentence

TOLERATED = 0.001
"""The share of the entities of a type that a rule may change before the labels, not the rule, are believed.

A model learns from its labels what a rule would correct, so that rules bring little to it: on CLUENER's types, 0.4 % of
whose entities they changed, they cost 0.8 points of F1."""


@dataclass(frozen=True)
class RuleConflict:
    """Labelled entities that a span rule would change or drop."""

    rule: str
    """A name of ``edgener.span_rules.registry.SPAN_RULES``."""
    changed: int
    """Entities that it would change, of all types."""
    example: str
    """The text of one of them."""
    labels: tuple[str, ...]
    """The types of which it would change more than ``TOLERATED``, and more than one entity, in alphabetical order."""


def rule_conflicts(rules: Iterable[str], sentences: Sequence[Sentence]) -> Iterator[RuleConflict]:
    """Yield a conflict for each named rule that would change an entity of the sentences, in the order of the rules.

    With it, a model that finds exactly what is labelled would be wrong.
    """
    entities = Counter(span.label for sentence in sentences for span in sentence.spans)
    labelled = [(each, [ScoredSpan(span, 1.0) for span in each.spans]) for each in sentences if each.spans]
    for rule in rules:
        changed = [(sentence, span) for sentence, spans in labelled for span in _changed(rule, sentence, spans)]
        if not changed:
            continue
        counts = Counter(span.label for _, span in changed)
        labels = sorted(label for label, count in counts.items() if count > max(1, TOLERATED * entities[label]))
        sentence, span = next(((each, span) for each, span in changed if span.label in labels), changed[0])
        yield RuleConflict(rule, len(changed), sentence.text[span.start : span.end], tuple(labels))


def _changed(rule: str, sentence: Sentence, spans: Sequence[ScoredSpan]) -> Iterator[Span]:
    kept = {found.span for found in SPAN_RULES[rule](sentence.text, spans)}
    return (span for span in sentence.spans if span not in kept)
