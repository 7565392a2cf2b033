"""The recipe of one command trains with what was chosen, and lets a teacher read each sentence only once."""

from __future__ import annotations

from edgener_export.plan.choices import choices_for
from edgener_export.plan.recipe_file import Parts, recipe_tables

MANY = choices_for(10_000)


def parts(*unlabelled: str) -> Parts:
    return Parts("name", "small", "data", 10_000, 400_000, 1_000, unlabelled_types=unlabelled)


def test_names_are_swapped_where_no_teacher_has_to_read_the_sentences_anew() -> None:
    assert MANY.swap_probability > 0
    assert recipe_tables(parts(), MANY)["finetune"]["swap_probability"] == MANY.swap_probability
    assert "swap_probability" not in recipe_tables(parts("PER"), MANY)["distil"]
