"""The settings of a training follow its size, and the gate knows how much its entities can tell."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgener_export.plan.choices import BY_SIZE, QUANTIZATION_LOSS, choices_for, texts_for, tolerated_loss


def test_each_size_has_its_own_choice_up_to_its_bound() -> None:
    chosen = [choices_for(sentences) for sentences in (50, 200, 1_000, 5_000, 500_000)]
    assert chosen == [size.choices for size in BY_SIZE]
    assert len(set(chosen)) == len(chosen)
    for size, larger in pairwise(BY_SIZE):
        assert choices_for(int(size.sentences)) == size.choices
        assert choices_for(int(size.sentences) + 1) == larger.choices


def test_the_learning_rate_is_lower_for_large_models_and_lowest_where_all_types_are_known() -> None:
    small, large, known = choices_for(200, 7.5), choices_for(200, 29.5), choices_for(200, 7.5, is_known=True)
    assert small.learning_rate > large.learning_rate > known.learning_rate
    assert known == choices_for(200, 29.5, is_known=True)
    assert choices_for(1_000, is_known=True).learning_rate == 2 * known.learning_rate
    assert replace(large, learning_rate=small.learning_rate) == small


def test_a_large_model_of_few_layers_learns_many_sentences_as_a_small_one_does() -> None:
    base, deep = (31.0, 3), (28.0, 12)
    assert choices_for(5_000, *base) == choices_for(5_000) == choices_for(5_000, 7.5, 12)
    assert choices_for(5_000, *deep).learning_rate < choices_for(5_000).learning_rate
    assert choices_for(2_500, *base) == choices_for(2_500, *deep) != choices_for(2_500)


def test_names_are_swapped_in_many_sentences_alone() -> None:
    assert [size.choices.swap_probability > 0 for size in BY_SIZE] == [False, False, False, True, True]


def test_no_names_are_swapped_where_a_teacher_would_have_to_read_the_sentences_anew() -> None:
    assert choices_for(10_000).swap_probability > 0
    assert choices_for(10_000, is_taught=True) == replace(choices_for(10_000), swap_probability=0.0)


def test_few_sentences_of_new_types_are_learned_slowly_where_the_base_model_teaches_the_others() -> None:
    assert [choices_for(size, is_taught=True).learning_rate for size in (50, 200, 1_000)] == [5e-4, 3e-4, 5e-4]
    assert choices_for(200, 29.5, is_taught=True) == choices_for(200, 29.5)


def test_fewer_sentences_are_read_more_often_in_smaller_batches() -> None:
    for few, more in pairwise(BY_SIZE):
        assert few.choices.epochs >= more.choices.epochs
        assert few.choices.tokens_per_batch <= more.choices.tokens_per_batch


@given(st.integers(1, 10**6))
def test_the_tolerated_loss_falls_with_the_entities_to_what_quantization_may_cost(entities: int) -> None:
    assert tolerated_loss(entities) >= tolerated_loss(entities + 1) >= QUANTIZATION_LOSS
    assert tolerated_loss(10**7) == pytest.approx(QUANTIZATION_LOSS, abs=0.02)


def test_one_entity_of_few_may_be_lost() -> None:
    assert tolerated_loss(20) > 100 / 20


def test_four_texts_a_sentence_are_read_in_each_epoch_up_to_a_bound() -> None:
    assert [texts_for(50, 30), texts_for(200, 20), texts_for(500_000, 3)] == [6_000, 16_000, 20_000]
