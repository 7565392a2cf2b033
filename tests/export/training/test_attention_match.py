"""A student's attention comes to resemble a teacher's of another width, and a killed run notices nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForTokenClassification

from edgener_export.errors import RecipeError
from edgener_export.recipe.settings import DistilSettings
from edgener_export.training.attention_match import AttentionMatcher, LayerPair
from edgener_export.training.batches import Example, pad
from edgener_export.training.distil import Distiller, HiddenStateMatcher
from edgener_export.training.finetune import Learner
from edgener_export.training.losses import map_loss, relation_loss
from edgener_export.training.teacher import log_of_mean_probability
from tests.export.tiny_tuner import Killed, TinyTuner

RELATIONS, MAPS = [LayerPair(1, 2)], [LayerPair(1, 1)]


class KilledDistiller(Killed, Distiller):
    """A distiller that is killed in the middle of its training."""


class Lesson:
    """A teacher twice as wide as the tiny student and with two layers, what it says, and a way to learn it."""

    def __init__(self, **settings: Any) -> None:
        self.tiny = TinyTuner()
        config = AutoConfig.for_model(
            "bert",
            vocab_size=self.tiny.encoder.vocabulary_size,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            num_labels=len(self.tiny.tag_set.tags),
        )
        torch.manual_seed(1)
        factory: Any = AutoModelForTokenClassification
        self.teacher = factory.from_config(config).eval()
        self.examples = [self._taught(example) for example in self.tiny.constant]
        plain = {
            "teacher": "default",
            "epochs": 4,
            "tokens_per_batch": 200,
            "precision": "fp32",
            "dev_every": 1000,
            "save_minutes": 0.0,
        }
        self.settings = DistilSettings(**{**plain, **settings})

    def distiller(self, directory: Path, kind: type[Distiller] = Distiller) -> tuple[Distiller, Any, AttentionMatcher]:
        _, model = self.tiny.open(directory / "unused")
        attention = AttentionMatcher(model, self.teacher, RELATIONS, MAPS, 4)
        learner = Learner(model, self.tiny.encoder, 4, self.tiny.tag_set)
        return kind(learner, self.settings, directory, HiddenStateMatcher([], 16, 32), attention), model, attention

    def _taught(self, example: Example) -> Example:
        with torch.inference_mode():
            logits = self.teacher(input_ids=torch.from_numpy(example.ids)[None]).logits[0]
        return replace(example, teacher=logits.numpy().astype(np.float16))


def test_a_killed_run_ends_in_the_same_weights(tmp_path: Path) -> None:
    lesson = Lesson()
    whole, expected, _ = lesson.distiller(tmp_path / "whole")
    whole.run(lesson.examples, lesson.examples)
    killed, _, _ = lesson.distiller(tmp_path / "killed", KilledDistiller)
    with pytest.raises(KeyboardInterrupt):
        killed.run(lesson.examples, lesson.examples)
    resumed, model, _ = lesson.distiller(tmp_path / "killed")
    resumed.run(lesson.examples, lesson.examples)
    for name, weight in expected.state_dict().items():
        assert torch.equal(weight, model.state_dict()[name]), name


def test_attention_comes_to_resemble_the_teachers(tmp_path: Path) -> None:
    lesson = Lesson(epochs=20, match_weight=100.0, learning_rate=3e-3)
    distiller, model, attention = lesson.distiller(tmp_path)
    batch = pad(lesson.examples, lesson.tiny.encoder.pad_id)

    def distance() -> float:
        with torch.inference_mode():
            model(input_ids=batch.ids, attention_mask=batch.attention_mask)
            attention.read(batch)
            return float(attention.loss(batch))

    before = distance()
    distiller.run(lesson.examples, lesson.examples)
    assert distance() < 0.9 * before


def test_what_does_not_fit_is_refused() -> None:
    lesson = Lesson()
    config = AutoConfig.for_model("bert", hidden_size=24, num_attention_heads=3, num_hidden_layers=1, vocab_size=9)
    factory: Any = AutoModelForTokenClassification
    student = factory.from_config(config)
    with pytest.raises(RecipeError, match="relation_heads is 16; the attention of student and teacher is 24 and 32"):
        AttentionMatcher(student, lesson.teacher, RELATIONS, [], 16)
    with pytest.raises(RecipeError, match="the student has 3 heads there, the teacher 2"):
        AttentionMatcher(student, lesson.teacher, [], MAPS, 16)


def test_all_attention_of_a_layer_may_be_one_relation() -> None:
    lesson = Lesson()
    assert AttentionMatcher(lesson.teacher, lesson.teacher, RELATIONS, [], 1)
    with pytest.raises(RecipeError, match="relation_heads is 0"):
        AttentionMatcher(lesson.teacher, lesson.teacher, RELATIONS, [], 0)


def test_relations_do_not_depend_on_width_or_padding() -> None:
    torch.manual_seed(0)
    teacher, present = torch.randn(2, 5, 24), torch.ones(2, 5).bool()
    scale = 2**0.25  # twice as wide heads with the same products, whose divisor is the root of the width
    wide = torch.stack([teacher, teacher], dim=-1).flatten(-2) / 2**0.5 * scale
    assert relation_loss(wide, teacher, present, 3).item() == pytest.approx(0, abs=1e-6)
    student = torch.randn(2, 5, 12)
    loss = relation_loss(student, teacher, present, 3)
    assert loss > 0.01
    padded, padded_teacher = (torch.nn.functional.pad(values, (0, 0, 0, 2), value=9.0) for values in (student, teacher))
    longer = torch.nn.functional.pad(present, (0, 2))
    assert relation_loss(padded, padded_teacher, longer, 3).item() == pytest.approx(loss.item(), rel=1e-5)


def test_attention_scores_of_the_same_model_match() -> None:
    torch.manual_seed(0)
    queries, keys, present = torch.randn(2, 5, 24), torch.randn(2, 5, 24), torch.ones(2, 5).bool()
    assert map_loss([queries, keys], [queries, keys], present, 3) == 0
    assert map_loss([queries, keys], [2 * queries, keys], present, 3) > 0.1


def test_probabilities_of_several_teachers_are_averaged() -> None:
    logits = [np.log(np.array([[0.9, 0.1]], np.float32)), np.log(np.array([[0.2, 0.8]], np.float32)) + 3]
    np.testing.assert_allclose(np.exp(log_of_mean_probability(logits)), [[0.55, 0.45]], rtol=1e-5)
