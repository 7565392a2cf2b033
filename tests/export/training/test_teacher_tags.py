"""A teacher that knows other types than its student: what it says, and where labels overrule it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgener.tags import TagSet
from edgener_export.errors import CheckpointError
from edgener_export.training.batches import IGNORED, Example
from edgener_export.training.losses import soft_loss
from edgener_export.training.steps import in_turn
from edgener_export.training.teacher_tags import StudentTags, corrected_by_labels

OLD = TagSet.of("BIO", ("LOC", "PER"))
NEW = TagSet.of("BIO", ("DRUG", "PER"))
HERE = Path("here")
TEACHER = st.lists(st.floats(-9, 9, width=32), min_size=len(OLD.tags), max_size=len(OLD.tags))


def softmax(logits: np.ndarray) -> dict[str, float]:
    """The probability of each tag of the new set."""
    values = torch.from_numpy(np.asarray(logits, dtype=np.float32)).softmax(-1)
    return dict(zip(NEW.tags, values.tolist(), strict=True))


@given(TEACHER)
def test_types_keep_their_probability_and_that_of_a_type_that_is_not_wanted_goes_to_outside(row: list[float]) -> None:
    before = dict(zip(OLD.tags, torch.tensor(row).softmax(-1).tolist(), strict=True))
    columns = StudentTags(NEW, ("PER",)).columns(HERE, OLD.tags)
    after = softmax(columns(np.array([row], dtype=np.float32))[0])
    assert after["B-PER"] == pytest.approx(before["B-PER"], abs=1e-5)
    assert after["I-PER"] == pytest.approx(before["I-PER"], abs=1e-5)
    assert after["O"] == pytest.approx(before["O"] + before["B-LOC"] + before["I-LOC"], abs=1e-5)
    assert (after["B-DRUG"], after["I-DRUG"]) == (0.0, 0.0)


def test_renamed_and_merged_types_are_the_sum_of_what_the_teacher_calls_them() -> None:
    row = np.array([[0.0, 1.0, 2.0, 3.0, 4.0]], dtype=np.float32)
    student = StudentTags(TagSet.of("BIO", ("NAME",)), ("NAME",), {"PER": "NAME", "LOC": "NAME"})
    logits = student.columns(HERE, OLD.tags)(row)
    assert logits[0].tolist() == pytest.approx([0, np.logaddexp(1, 3), np.logaddexp(2, 4)])


def test_the_same_tags_are_passed_on_as_they_are() -> None:
    logits = np.zeros((2, len(OLD.tags)), dtype=np.float32)
    columns = StudentTags(OLD).columns(HERE, OLD.tags)
    assert columns(logits) is logits
    assert str(columns) == ""


def test_a_teacher_that_does_not_know_an_unlabelled_type_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"here: does not know ORG of data\.unlabelled_types"):
        StudentTags(TagSet.of("BIO", ("ORG",)), ("ORG",)).columns(HERE, OLD.tags)
    with pytest.raises(CheckpointError, match="in the scheme BIOES"):
        StudentTags(TagSet.of("BIOES", ("PER",)), ("PER",)).columns(HERE, OLD.tags)


def test_other_types_are_refused_where_all_types_are_labelled() -> None:
    with pytest.raises(CheckpointError, match=r"a teacher needs the same types.*data\.unlabelled_types"):
        StudentTags(NEW).columns(HERE, OLD.tags)


def test_a_label_is_certain_and_a_place_without_one_is_left_to_the_teacher() -> None:
    per, drug = NEW.tags.index("B-PER"), NEW.tags.index("B-DRUG")
    logits = np.zeros((4, len(NEW.tags)), dtype=np.float16)
    logits[:, [drug, drug + 1]] = -np.inf
    logits[:, per] = 5
    tags = np.array([IGNORED, NEW.outside, drug, IGNORED])
    (example,) = corrected_by_labels([Example(np.arange(4), tags, logits)], NEW, ("PER",))
    assert example.tags.tolist() == [IGNORED, IGNORED, drug, IGNORED]
    assert example.teacher is not None
    unread, outside, named, _ = (softmax(row) for row in example.teacher)
    assert unread["B-PER"] == outside["B-PER"] > 0.9  # the teacher's PER stays where nobody labelled
    assert outside["B-DRUG"] == outside["I-DRUG"] == 0  # all drugs are labelled, so there is none
    assert np.isneginf(example.teacher[0, drug])  # but here nobody has looked
    assert named["B-DRUG"] == 1  # the teacher takes it for a person, and is overruled
    assert tags.tolist() == [IGNORED, NEW.outside, drug, IGNORED]


@given(st.lists(st.floats(-9, 9, width=32), min_size=3, max_size=3), st.floats(-9, 9, width=32))
def test_a_tag_that_the_teacher_cannot_tell_from_outside_may_have_any_share_of_it(
    row: list[float], moved: float
) -> None:
    """Moving probability between ``O`` and an unknown tag changes nothing; moving it elsewhere does."""
    total = np.logaddexp(row[0], row[2])
    share = -math.log1p(math.exp(-moved))
    other = [total + share, row[1], total + share - moved]
    teacher = torch.tensor([[1.0, 0.0, -math.inf]])
    losses = [float(soft_loss(torch.tensor([each]), teacher, 1.0, outside=0)) for each in (row, other)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert math.isfinite(losses[0])
    assert float(soft_loss(torch.tensor([[0.0, 9.0, 0.0]]), teacher, 1.0, outside=0)) > 1


def test_the_gradient_is_finite_where_the_teacher_does_not_know_a_tag() -> None:
    student = torch.zeros(2, 3, requires_grad=True)
    soft_loss(student, torch.tensor([[1.0, 0.0, -math.inf], [1.0, 0.0, 0.0]]), 2.0, outside=0).backward()  # type: ignore[no-untyped-call]
    assert student.grad is not None
    assert torch.isfinite(student.grad).all()
    assert student.grad[0, 2] == student.grad[0, 0] != 0


@pytest.mark.parametrize("parts", [1, 3])
def test_epochs_take_the_parts_of_the_texts_in_turn_and_see_each_text_once_a_round(parts: int) -> None:
    kinds = [
        [Example(np.array([number]), np.array([0])) for number in numbers] for numbers in ((1, 2), range(10, 17), (9,))
    ]
    labelled, texts, more = kinds
    examples_of = in_turn(lambda _epoch: labelled, texts, parts, more)
    epochs = [[int(example.ids[0]) for example in examples_of(epoch)] for epoch in range(parts)]
    assert all(epoch[:2] == [1, 2] and epoch[-1] == 9 for epoch in epochs)
    assert sorted(number for epoch in epochs for number in epoch[2:-1]) == list(range(10, 17))
    assert examples_of(parts) == examples_of(0)
