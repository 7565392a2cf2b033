"""The recipe of one command trains with what was chosen."""

from __future__ import annotations

from dataclasses import asdict, replace

from edgener_export.plan.choices import choices_for
from edgener_export.plan.recipe_file import LEAST_SCORED, Parts, recipe_tables

MANY = choices_for(10_000)


def parts(*unlabelled: str) -> Parts:
    return Parts("name", "small", "data", 10_000, 400_000, 1_000, unlabelled_types=unlabelled)


def test_the_choices_are_those_of_the_training_with_a_teacher_and_without_one() -> None:
    for choices in (MANY, choices_for(10_000, is_taught=True)):
        for table in recipe_tables(parts(), choices)["finetune"], recipe_tables(parts("PER"), choices)["distil"]:
            assert asdict(choices).items() <= table.items()


def test_scores_during_the_training_take_as_many_sentences_as_a_fifth_holds_out_and_some_at_least() -> None:
    for sentences, scored in (50, LEAST_SCORED), (10_000, 2_500):
        table = recipe_tables(replace(parts(), sentences=sentences), choices_for(sentences))["finetune"]
        assert table["dev_sentences"] == scored
