"""Each setting of a training does in a run what its documentation says."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgener.bundle import TOKENIZER
from edgener.tags import TagSet
from edgener_export.checkpoint.load import load_checkpoint
from edgener_export.pipeline.inputs import read_recipe_corpus
from edgener_export.recipe import read_recipe
from edgener_export.recipe.settings import AdaptSettings, DistilSettings
from edgener_export.training.adapt import PreTrainer
from edgener_export.training.attention_match import AttentionMatcher, LayerPair
from edgener_export.training.batches import batch_groups, pad
from edgener_export.training.distil import attention_matcher, hidden_state_matcher
from edgener_export.training.steps import Training
from edgener_export.training.teacher import ModelTeacher
from edgener_export.training.teacher_tags import StudentTags
from tests.export.tiny_tuner import TinyTuner
from tests.support import TINY_BUNDLE

Pairs = tuple[tuple[int, int], ...]
TINY = TinyTuner()


@pytest.fixture
def teacher(tmp_path: Path) -> ModelTeacher:
    """A teacher with the tiny student's tokens and tags, of two layers whose weights differ from the student's."""
    _, model = TINY.open(tmp_path / "unused", num_hidden_layers=2, seed=1)
    directory = tmp_path / "teacher"
    model.save_pretrained(directory)
    shutil.copyfile(TINY_BUNDLE / TOKENIZER, directory / TOKENIZER)
    return ModelTeacher(directory, TINY_BUNDLE / TOKENIZER, StudentTags(TINY.tag_set), "fp32")


@pytest.mark.parametrize("relations", [(), ((1, 2),)])
@pytest.mark.parametrize("maps", [(), ((1, 1),)])
def test_the_pairs_of_the_recipe_are_matched_with_its_number_of_heads(
    tmp_path: Path, teacher: ModelTeacher, relations: Pairs, maps: Pairs
) -> None:
    _, student = TINY.open(tmp_path)
    batch = pad(TINY.constant[:3], 0)
    settings = DistilSettings(teacher="x", relation_heads=4, match_relations=relations, match_attention=maps)
    matcher = attention_matcher(settings, student, teacher)
    assert bool(matcher) == bool(relations or maps)
    if matcher:
        pairs = ([LayerPair(*pair) for pair in relations], [LayerPair(*pair) for pair in maps])
        expected = AttentionMatcher(student, teacher.model, *pairs, relation_heads=4)
        with torch.no_grad():
            student(batch.ids, attention_mask=batch.attention_mask)
            matcher.read(batch)
            assert matcher.loss(batch).item() == expected.loss(batch).item() > 0


def test_hidden_states_are_projected_from_the_students_width_to_the_teachers(
    tmp_path: Path, teacher: ModelTeacher
) -> None:
    _, student = TINY.open(tmp_path)
    settings = DistilSettings(teacher="x", match_layers=((1, 2),))
    matcher = hidden_state_matcher(settings, student.config, teacher)
    assert [projection.weight.shape for projection in matcher.projections] == [(teacher.width, 16)]
    batch = pad(TINY.constant[:2], 0)
    states = torch.arange(2.0)[:, None, None, None] * torch.ones(2, *batch.ids.shape, 16)
    batch = replace(batch, hidden=(matcher.projections[0](states[1]).detach(),))
    assert matcher(tuple(states), batch).item() == pytest.approx(0)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_so_many_batches_make_a_step(tmp_path: Path, accumulate: int) -> None:
    tiny = TinyTuner(accumulate=accumulate, epochs=2)
    tuner, _ = tiny.open(tmp_path)
    tuner.run(tiny.constant, tiny.constant)
    batches = len(batch_groups(tiny.constant, 200, 1))
    assert batches % 2
    assert torch.load(tmp_path / "state.pt", weights_only=True)["step"] == 2 * math.ceil(batches / accumulate)


@pytest.mark.parametrize("frozen", [0, 1])
def test_frozen_layers_and_the_embeddings_stay_as_they_were(tmp_path: Path, frozen: int) -> None:
    tiny = TinyTuner(frozen_layers=frozen, epochs=1)
    _, before = tiny.open(tmp_path / "before", num_hidden_layers=2)
    tuner, after = tiny.open(tmp_path / "after", num_hidden_layers=2)
    tuner.run(tiny.constant, tiny.constant)
    moved = {name for name, weight in after.state_dict().items() if not torch.equal(weight, before.state_dict()[name])}
    for part, is_frozen in (("embeddings", frozen > 0), ("layer.0", frozen > 0), ("layer.1", False)):
        assert any(part in name for name in moved) != is_frozen, part
    assert "classifier.weight" in moved


@pytest.mark.parametrize("probability", [0.3, 1.0])
def test_this_share_of_the_words_is_guessed(tmp_path: Path, probability: float) -> None:
    _, model = TINY.open(tmp_path / "unused")
    settings = AdaptSettings(text="x", mask_probability=probability, precision="fp32")
    trainer = PreTrainer(model, TINY.encoder, 4, settings, tmp_path)
    examples = [replace(example, words=np.arange(len(example.ids))) for example in TINY.constant]
    words = sum(len(example.ids) - 2 for example in examples)
    assert trainer.evaluate(examples).tokens == pytest.approx(probability * words, rel=0.2 * (1 - probability))


def test_the_weights_of_types_come_from_the_recipe(build_tiny: list[str], tmp_path: Path) -> None:
    plain = read_recipe(Path(build_tiny[1]), ["data.limit=40"])
    corpus = read_recipe_corpus(plain, tmp_path)
    tag_set = TagSet.of(plain.scheme, corpus.labels())
    checkpoint = load_checkpoint(plain.model, tag_set, tmp_path / TOKENIZER, tmp_path)
    training = Training(plain, tmp_path, corpus, tag_set, checkpoint, lambda _line: None)
    train = training._examples(corpus.train)

    def weights(**settings: Any) -> dict[str, float]:
        assert plain.finetune
        learner = training._learner(replace(plain.finetune, **settings), train)
        assert learner.tag_weights is not None
        return dict(zip(tag_set.tags, learner.tag_weights.tolist(), strict=True))

    named = weights(class_weights={"PER": 3.0})
    assert named == {tag: 3.0 if tag.endswith("-PER") else 1.0 for tag in tag_set.tags}
    tags = np.concatenate([example.tags[example.tags >= 0] for example in train])
    outside = len(tags) / (4 * int((tags == tag_set.outside).sum()))
    balanced = weights(class_weights={"PER": 3.0}, balance_classes=True)
    assert balanced["O"] == pytest.approx(outside)
    assert balanced["S-PER"] == 3.0
    assert balanced["B-LOC"] > 1 > balanced["O"]
