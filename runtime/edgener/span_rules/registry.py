"""All span rules by name, and their application.

``include_marks`` holds for every bundle; the others are used by bundles that name them in their manifest.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgener.span_rules.edits import Rule
from edgener.span_rules.marks import (
    include_marks,
    without_item_numbers,
    without_lone_marks,
    without_separators,
    without_signs,
)
from edgener.span_rules.no_names import no_laughter, no_ships, no_storms, no_titles
from edgener.span_rules.organizations import joined_brackets, legal_forms
from edgener.span_rules.people import hyphenated_names, masked_names, numbered_names
from edgener.span_rules.places import road_sections
from edgener.span_rules.words import no_web_addresses, whole_words
from edgener.tags import ScoredSpan

SPAN_RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        no_web_addresses,
        without_signs,
        without_separators,
        joined_brackets,
        without_lone_marks,
        without_item_numbers,
        whole_words,
        legal_forms,
        masked_names,
        numbered_names,
        hyphenated_names,
        road_sections,
        no_laughter,
        no_titles,
        no_ships,
        no_storms,
    )
}
"""The rules that a manifest can name, in the order in which bundles of ours apply them."""


def apply_rules(names: Sequence[str], text: str, spans: Sequence[ScoredSpan]) -> list[ScoredSpan]:
    """Return the spans after the named rules, in their order, with ``include_marks`` before and after them."""
    corrected = include_marks(text, spans)
    for name in names:
        if corrected:
            corrected = SPAN_RULES[name](text, corrected)
    return include_marks(text, corrected) if names else corrected
