"""Each part of a training's loss has the value that its formula gives, computed here a second time with numpy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from edgener.tags import TagSet
from edgener_export.errors import RecipeError
from edgener_export.evaluation.score import Score
from edgener_export.recipe.settings import DistilSettings
from edgener_export.training.attention_match import AttentionMatcher, LayerPair
from edgener_export.training.batches import IGNORED, Batch, Example, pad
from edgener_export.training.class_weights import tag_weights
from edgener_export.training.distil import (
    Distiller,
    HiddenStateMatcher,
    attention_matcher,
    hidden_state_matcher,
)
from edgener_export.training.finetune import FineTuner, Learner, Output
from edgener_export.training.losses import map_loss, relation_loss, soft_loss
from edgener_export.training.teacher import ModelTeacher
from tests.export.tiny_tuner import TinyTuner

Floats = NDArray[np.float64]
TINY = TinyTuner()
TAGS = len(TINY.tag_set.tags)


def log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def divergence(teacher: Floats, student: Floats) -> Floats:
    """Return the Kullback-Leibler divergence of the student's distributions from the teacher's, over the last axis."""
    log_teacher, log_student = log_softmax(teacher), log_softmax(student)
    result: Floats = (np.exp(log_teacher) * (log_teacher - log_student)).sum(axis=-1)
    return result


def random(*shape: int, seed: int) -> Floats:
    return np.random.default_rng(seed).normal(size=shape) * 2


def a_batch(*, labelled: bool, hidden: int = 0) -> Batch:
    """Return two sentences of five and three words with a teacher's logits; only the first may have labels."""
    examples = []
    for number, words in enumerate((5, 3)):
        tags = np.full(words + 2, IGNORED)
        if labelled and number == 0:
            tags[1:-1] = [0, 1, 2, 0, 1]
        teacher = random(words + 2, TAGS, seed=number).astype(np.float16)
        states = random(words + 2, 6, seed=number + 7).astype(np.float16)
        examples.append(Example(np.arange(3, words + 5), tags, teacher, (states,) * hidden))
    return pad(examples, 0)


def distiller(directory: Path, hidden_states: HiddenStateMatcher | None = None, **settings: Any) -> Distiller:
    _, model = TINY.open(directory / "unused")
    learner = Learner(model, TINY.encoder, 4, TINY.tag_set)
    fixed = {"teacher": "default", "precision": "fp32", "match_weight": 2.0}
    return Distiller(
        learner,
        DistilSettings(**{**fixed, **settings}),
        directory,
        hidden_states or HiddenStateMatcher([], 16, 6),
        None,
    )


def says(batch: Batch) -> Output:
    """Return a student's logits of a batch, and the states of four layers with a width of 4."""
    shape = tuple(batch.ids.shape)
    states = tuple(torch.from_numpy(random(*shape, 4, seed=layer)).float() for layer in range(4))
    return Output(torch.from_numpy(random(*shape, TAGS, seed=3)).float(), states)


def soft(batch: Batch, output: Output, temperature: float) -> float:
    assert batch.teacher is not None
    words = batch.is_word.numpy()
    teacher, student = batch.teacher.double().numpy()[words], output.logits.double().numpy()[words]
    return float(temperature**2 * divergence(teacher / temperature, student / temperature).mean())


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_without_labels_the_loss_is_the_softened_divergence_from_the_teacher(
    tmp_path: Path, temperature: float
) -> None:
    batch = a_batch(labelled=False)
    output = says(batch)
    loss = distiller(tmp_path, temperature=temperature, hard_share=0.9).loss_of(output, batch)
    assert loss.item() == pytest.approx(soft(batch, output, temperature), rel=1e-5)


def test_tags_that_the_teacher_does_not_know_are_one_with_the_tag_outside() -> None:
    """A teacher knows A and O of the tags A, O, B and C, so that the student's O, B and C together are its O."""
    student, teacher = random(3, 4, seed=1), random(3, 4, seed=2)
    teacher[:, 2:] = -np.inf
    merged = np.stack([student[:, 0], np.logaddexp.reduce(student[:, 1:] / 2, axis=1) * 2], axis=1)
    loss = soft_loss(torch.from_numpy(student), torch.from_numpy(teacher), 2.0, 1)
    assert loss.item() == pytest.approx(4 * divergence(teacher[:, :2] / 2, merged / 2).mean(), rel=1e-6)


def test_a_tag_may_be_unknown_for_some_tokens_only() -> None:
    student, teacher = random(2, 3, seed=3), random(2, 3, seed=4)
    teacher[1, 2] = -np.inf
    merged = np.array([np.logaddexp(student[1, 0], student[1, 2]), student[1, 1]])
    rows = [divergence(teacher[0], student[0]), divergence(teacher[1, :2], merged)]
    loss = soft_loss(torch.from_numpy(student), torch.from_numpy(teacher), 1.0, 0)
    assert loss.item() == pytest.approx(np.mean(rows), rel=1e-6)


@pytest.mark.parametrize("hard_share", [0.0, 0.3, 1.0])
def test_labels_have_their_share_of_the_loss_on_the_words_that_they_label(tmp_path: Path, hard_share: float) -> None:
    batch = a_batch(labelled=True)
    output = says(batch)
    labelled = batch.tags.numpy() != IGNORED
    correct = batch.tags.numpy()[labelled]
    logits = log_softmax(output.logits.double().numpy()[labelled])
    hard = -logits[np.arange(len(correct)), correct].sum() / int(batch.is_word.sum())
    expected = hard_share * hard + (1 - hard_share) * soft(batch, output, 3.0)
    loss = distiller(tmp_path, temperature=3.0, hard_share=hard_share).loss_of(output, batch)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_hidden_states_add_their_squared_error_which_fades_out(tmp_path: Path) -> None:
    batch = a_batch(labelled=False, hidden=2)
    output = says(batch)
    matcher = HiddenStateMatcher([1, 3], 4, 6)
    tuner = distiller(tmp_path, matcher, temperature=2.0)
    present = batch.attention_mask.bool().numpy()
    errors = []
    for layer, projection, target in zip((1, 3), matcher.projections, batch.hidden, strict=True):
        weight, bias = (values.detach().double().numpy() for values in projection.parameters())
        projected = output.hidden_states[layer].double().numpy()[present] @ weight.T + bias
        errors.append(((projected - target.double().numpy()[present]) ** 2).mean())
    for step in (0, 3):
        tuner._step, tuner._total = step, 4
        expected = soft(batch, output, 2.0) + 2.0 * (1 - step / 4) * np.mean(errors)
        assert tuner.loss_of(output, batch).item() == pytest.approx(expected, rel=1e-5)


def test_a_student_agrees_with_its_teacher_where_there_are_no_labels(tmp_path: Path) -> None:
    torch.manual_seed(0)
    wanted = [torch.randint(TAGS, (len(example.ids),)) for example in TINY.constant]
    examples = [
        replace(
            example,
            tags=np.full(len(example.ids), IGNORED),
            teacher=(10 * torch.nn.functional.one_hot(tags, TAGS)).numpy().astype(np.float16),
        )
        for example, tags in zip(TINY.constant, wanted, strict=True)
    ]
    _, model = TINY.open(tmp_path / "unused")
    settings = DistilSettings(
        teacher="default",
        epochs=60,
        tokens_per_batch=400,
        precision="fp32",
        learning_rate=1e-2,
        mask_probability=0.0,
        save_minutes=99,
    )
    learner = Learner(model, TINY.encoder, 4, TINY.tag_set)
    Distiller(learner, settings, tmp_path, HiddenStateMatcher([], 16, 6), None).run(examples, TINY.constant)
    agreed = total = 0
    for example, tags in zip(examples, wanted, strict=True):
        with torch.inference_mode():
            found = model(torch.from_numpy(example.ids)[None]).logits[0].argmax(dim=-1)
        agreed += int((found == tags)[1:-1].sum())
        total += len(tags) - 2
    assert agreed > 0.5 * total > 2 * total / TAGS


def relations(values: Floats, heads: int) -> Floats:
    """Return the scaled dot products [heads, tokens, tokens] of all tokens of one sentence with all."""
    split = values.reshape(len(values), heads, -1).transpose(1, 0, 2)
    result: Floats = split @ split.transpose(0, 2, 1) / np.sqrt(split.shape[-1])
    return result


def test_relations_have_the_mean_divergence_over_heads_and_tokens() -> None:
    student, teacher = random(2, 5, 6, seed=1), random(2, 5, 12, seed=2)
    present = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    rows = [
        divergence(relations(teacher[row, :length], 3), relations(student[row, :length], 3)).ravel()
        for row, length in enumerate((5, 3))
    ]
    loss = relation_loss(torch.from_numpy(student), torch.from_numpy(teacher), present, 3)
    assert loss.item() == pytest.approx(np.concatenate(rows).mean(), rel=1e-6)


def scores(queries_and_keys: Floats, heads: int) -> Floats:
    """Return the attention scores [heads, tokens, tokens] of one sentence's queries and keys [2, tokens, width]."""
    kinds, tokens, width = queries_and_keys.shape
    queries, keys = queries_and_keys.reshape(kinds, tokens, heads, -1).transpose(0, 2, 1, 3)
    result: Floats = queries @ keys.transpose(0, 2, 1) / np.sqrt(width // heads)
    return result


def test_attention_has_the_mean_squared_error_of_its_scores() -> None:
    student, teacher = random(2, 2, 5, 6, seed=1), random(2, 2, 5, 12, seed=2)
    present = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    errors = [
        (scores(student[:, row, :length], 3) - scores(teacher[:, row, :length], 3)).ravel() ** 2
        for row, length in enumerate((5, 3))
    ]
    loss = map_loss(list(torch.from_numpy(student)), list(torch.from_numpy(teacher)), present, 3)
    assert loss.item() == pytest.approx(np.concatenate(errors).mean(), rel=1e-6)


def test_the_attention_of_each_pair_of_layers_has_the_same_weight(tiny_bert: Any) -> None:
    """Three relations of one pair and the scores of another: the mean of four, of the layers that the pairs name."""
    student = tiny_bert
    batch = a_batch(labelled=False)
    present = batch.attention_mask.bool()
    matcher = AttentionMatcher(student, tiny_bert, [LayerPair(1, 2)], [LayerPair(2, 1)], 2)
    with torch.no_grad():
        hidden = student(batch.ids, attention_mask=batch.attention_mask, output_hidden_states=True).hidden_states
        matcher.read(batch)
        layers = [layer.attention.self for layer in student.bert.encoder.layer]
        first, second = (
            {kind: getattr(layer, kind)(states) for kind in ("query", "key", "value")}
            for layer, states in zip(layers, hidden, strict=False)
        )
        parts = [relation_loss(first[kind], second[kind], present, 2) for kind in ("query", "key", "value")]
        parts.append(map_loss([second["query"], second["key"]], [first["query"], first["key"]], present, 4))
        assert float(matcher.loss(batch)) == pytest.approx(float(torch.stack(parts).mean()), rel=1e-5)
        assert min(map(float, parts)) > 1e-4


def test_attention_adds_to_the_loss_what_its_weight_says(tmp_path: Path, tiny_bert: Any) -> None:
    batch = a_batch(labelled=False)
    _, model = TINY.open(tmp_path / "unused")
    attention = AttentionMatcher(model, tiny_bert, [LayerPair(1, 2)], [], 2)
    settings = DistilSettings(teacher="default", precision="fp32", match_weight=3.0, mask_probability=0.0)
    learner = Learner(model, TINY.encoder, 4, TINY.tag_set)
    tuner = Distiller(learner, settings, tmp_path, HiddenStateMatcher([], 16, 6), attention)
    tuner._step, tuner._total = 1, 4
    with torch.no_grad():
        output = tuner._forward(batch)
        loss = float(tuner.loss_of(output, batch))
        assert loss == pytest.approx(soft(batch, output, 2.0) + 3.0 * 0.75 * float(attention.loss(batch)), rel=1e-5)


class TorchTeacher(ModelTeacher):
    """A teacher that is not loaded from a directory."""

    def __init__(self, model: Any) -> None:
        self.model, self.layers, self.width = model, model.config.num_hidden_layers, model.config.hidden_size


def matchers(
    settings: DistilSettings, student: Any, teacher: ModelTeacher
) -> tuple[HiddenStateMatcher, AttentionMatcher | None]:
    return hidden_state_matcher(settings, student.config, teacher), attention_matcher(settings, student, teacher)


def test_a_recipe_names_the_pairs_of_layers_that_are_matched(tmp_path: Path, tiny_bert: Any) -> None:
    _, student = TINY.open(tmp_path / "student", num_hidden_layers=1)
    teacher = TorchTeacher(tiny_bert)
    settings = DistilSettings(
        teacher="default",
        match_layers=((1, 2), (1, 1)),
        match_relations=((1, 2),),
        match_attention=(),
        relation_heads=4,
    )
    hidden, found = matchers(settings, student, teacher)
    assert hidden._layers == (1, 1)
    assert [tuple(value.shape) for value in hidden.parameters()] == [(32, 16), (32,)] * 2
    batch = a_batch(labelled=False)
    expected = AttentionMatcher(student, tiny_bert, [LayerPair(1, 2)], [], 4)
    assert found is not None
    with torch.no_grad():
        student(batch.ids, attention_mask=batch.attention_mask)
        expected.read(batch)
        assert float(found.loss(batch)) == float(expected.loss(batch)) > 0
    assert attention_matcher(replace(settings, match_relations=()), student, teacher) is None


@pytest.mark.parametrize("pair", [(2, 1), (1, 3), (0, 1), (1, 0), (1,), (1, 1, 1)], ids=str)
@pytest.mark.parametrize("name", ["match_layers", "match_relations", "match_attention"])
def test_a_pair_of_layers_that_are_not_there_is_told(
    tmp_path: Path, tiny_bert: Any, name: str, pair: tuple[int, ...]
) -> None:
    _, student = TINY.open(tmp_path / "student", num_hidden_layers=1)
    pairs: dict[str, Any] = {name: ((1, 1), pair)}
    settings = DistilSettings(teacher="default", **pairs)
    with pytest.raises(RecipeError) as caught:
        matchers(settings, student, TorchTeacher(tiny_bert))
    assert str(caught.value) == (
        f"distil.{name} has {list(pair)}; expected a layer of the student, 1 to 1, and one of the teacher, 1 to 2"
    )


def test_types_count_in_the_loss_as_their_weights_say(tmp_path: Path) -> None:
    tag_set = TagSet.of("BIO", TINY.tag_set.labels)
    batch = a_batch(labelled=True)
    output = says(batch)
    weights = tag_weights({"O": 0.5, tag_set.labels[0]: 3.0}, False, tag_set, [])
    tuner, _ = TINY.open(tmp_path, weights=weights)
    labelled = batch.tags.numpy() != IGNORED
    correct = batch.tags.numpy()[labelled]
    of_tag = np.array([0.5, 3.0, 3.0])[correct]
    losses = -log_softmax(output.logits.double().numpy()[labelled])[np.arange(len(correct)), correct]
    expected = (of_tag * losses).sum() / of_tag.sum()
    assert tuner.loss_of(output, batch).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("probability", [0.0, 0.25, 1.0])
def test_this_share_of_the_words_is_hidden_and_nothing_else(tmp_path: Path, probability: float) -> None:
    tuner, _ = TinyTuner(mask_probability=probability).open(tmp_path)
    batch = pad([Example(np.full(1002, 7), np.full(1002, IGNORED)), Example(np.full(9, 8), np.full(9, IGNORED))], 0)
    shown = tuner._hide_tokens(batch, torch.Generator().manual_seed(1)).ids
    again = tuner._hide_tokens(batch, torch.Generator().manual_seed(1)).ids
    other = tuner._hide_tokens(batch, torch.Generator().manual_seed(2)).ids
    assert torch.equal(shown[~batch.is_word], batch.ids[~batch.is_word])
    words = shown[batch.is_word]
    assert (words == 4).float().mean() == pytest.approx(probability, abs=0.04)
    assert torch.equal(words[words != 4], batch.ids[batch.is_word][words != 4])
    assert torch.equal(shown, again)
    assert torch.equal(shown, other) == (probability in (0.0, 1.0))


def test_the_loss_is_that_of_what_the_model_says_of_the_hidden_words(tmp_path: Path) -> None:
    tuner, _ = TinyTuner(mask_probability=0.5).open(tmp_path)
    batch = pad(TINY.constant[:3], 0)
    hidden = tuner._hide_tokens(batch, torch.Generator().manual_seed(5))
    with torch.no_grad():
        loss = float(tuner.loss(batch, torch.Generator().manual_seed(5)))
        assert loss == float(tuner.loss_of(tuner._forward(hidden), batch))
        assert loss != float(tuner.loss_of(tuner._forward(batch), batch))


def test_hidden_states_are_given_where_the_batch_asks_for_them(tmp_path: Path) -> None:
    tuner, model = TINY.open(tmp_path, num_hidden_layers=2)
    batch = a_batch(labelled=False, hidden=1)
    with torch.no_grad():
        output = tuner._forward(batch)
        expected = model(batch.ids, attention_mask=batch.attention_mask, output_hidden_states=True)
        assert tuner._forward(a_batch(labelled=False)).hidden_states == ()
    torch.testing.assert_close(output.logits, expected.logits)
    torch.testing.assert_close(tuple(output.hidden_states), expected.hidden_states)


class Says(FineTuner):
    """Says of each token the tag that its id stands for."""

    def _forward(self, batch: Batch) -> Output:
        assert not self._model.training
        return Output(10 * torch.nn.functional.one_hot(batch.ids % TAGS, TAGS).float(), ())


def test_the_score_counts_the_names_of_labelled_words(tmp_path: Path) -> None:
    """Four names are in the sentences; two are found, and one too many; what is not labelled does not count."""
    tuner, model = TINY.open(tmp_path, Says)
    number = {tag: place for place, tag in enumerate(TINY.tag_set.tags)}
    first, second = (number[f"B-{label}"] for label in TINY.tag_set.labels[:2])
    outside = TINY.tag_set.outside

    def example(said: list[int], labelled: list[int]) -> Example:
        padded = [IGNORED, *labelled, IGNORED]
        return Example(np.array([first, *said, first + 1]) + TAGS, np.array(padded))

    examples = [
        example([first, first + 1, outside, second, second], [first, first + 1, outside, outside, IGNORED]),
        example([outside, outside], [first, second]),
        example([outside, first], [outside, first]),
    ]
    assert tuner.evaluate(examples) == Score(correct=2, predicted=3, expected=4)
    assert model.training
    tuner._learner = replace(tuner._learner, unlabelled_types=(TINY.tag_set.labels[1],))
    assert tuner.evaluate(examples) == Score(correct=2, predicted=2, expected=4)
    assert tuner.curve(Score(1, 2, 3)) == {"dev_f1": 40.0}


def gradients(model: Any) -> dict[str, torch.Tensor]:
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


def test_accumulated_gradients_are_the_mean_of_the_batches(tmp_path: Path) -> None:
    tuner, model = TINY.open(tmp_path)
    one, other = (pad(TINY.constant[part], 0) for part in (slice(0, 2), slice(2, 7)))
    apart = []
    for number, batch in enumerate((one, other)):
        tuner._optimizer.adamw.zero_grad()
        tuner.loss(batch, tuner._generator(number)).backward()  # type: ignore[no-untyped-call]
        apart.append(gradients(model))
    total = tuner._gradients_of([one, other])
    for name, gradient in gradients(model).items():
        torch.testing.assert_close(gradient, (apart[0][name] + apart[1][name]) / 2, rtol=1e-4, atol=1e-7)
    losses = [tuner.loss(batch, tuner._generator(number)).item() for number, batch in enumerate((one, other))]
    assert total.item() == pytest.approx(np.mean(losses), rel=1e-6)


class Recorder(FineTuner):
    """Keeps the classifier's weights as they are after each step."""

    weights: list[torch.Tensor]

    def _train_step(self, group: Any) -> float:
        loss = super()._train_step(group)
        model: Any = self._model
        self.weights.append(model.classifier.weight.detach().clone())
        return loss


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_run_ends_with_the_mean_of_its_last_weights(tmp_path: Path, share: float) -> None:
    tiny = TinyTuner(average_last=share, learning_rate=1e-2)
    tuner, model = tiny.open(tmp_path, Recorder)
    assert isinstance(tuner, Recorder)
    tuner.weights = []
    tuner.run(tiny.constant, tiny.constant)
    last = tuner.weights[-max(1, round(share * len(tuner.weights))) :]
    assert len(last) == (1 if share == 0 else len(tuner.weights) // 2)
    torch.testing.assert_close(model.classifier.weight, torch.stack(last).mean(dim=0))


def test_lower_layers_move_less_by_their_rates(tmp_path: Path) -> None:
    moved = {}
    for decay in (1.0, 0.1):
        tiny = TinyTuner(layer_decay=decay, weight_decay=0.0, epochs=1, tokens_per_batch=10_000)
        _, before = tiny.open(tmp_path / "before")
        tuner, after = tiny.open(tmp_path / str(decay))
        tuner.run(tiny.constant, tiny.constant)
        pairs = zip(before.named_parameters(), after.parameters(), strict=True)
        moved[decay] = {name: (new - old).abs().max().item() for (name, old), new in pairs}
    for name, rate in (("embeddings.word_embeddings", 0.01), ("layer.0.output.dense", 0.1), ("classifier", 1.0)):
        (full,) = (moved[1.0][full] for full in moved[1.0] if full.endswith(f"{name}.weight"))
        (slow,) = (moved[0.1][full] for full in moved[0.1] if full.endswith(f"{name}.weight"))
        assert slow == pytest.approx(rate * full, rel=0.05), name


class Scored(Recorder):
    """Is told how good it is."""

    merits: Any

    def merit(self, _measured: Any) -> float:
        return float(next(self.merits))


def test_a_run_gives_the_weights_of_its_best_score(tmp_path: Path) -> None:
    merits = iter([1.0, 5.0, 2.0, 3.0, 4.0, 9.0])
    tiny = TinyTuner(patience=3, dev_every=2, learning_rate=1e-2, epochs=9)
    tuner, model = tiny.open(tmp_path, Scored)
    assert isinstance(tuner, Scored)
    tuner.weights, tuner.merits = [], merits
    tuner.run(tiny.constant, tiny.constant)
    assert len(tuner.weights) == 10
    assert torch.equal(model.classifier.weight, tuner.weights[3])


def test_a_batch_without_a_teacher_has_the_cross_entropy_alone(tmp_path: Path) -> None:
    batch = replace(a_batch(labelled=True), teacher=None)
    logits = random(2, 7, TAGS, seed=3)
    loss = distiller(tmp_path).loss_of(Output(torch.from_numpy(logits), ()), batch)
    tags = batch.tags.numpy()
    rows, places = np.nonzero(tags != IGNORED)
    expected = -log_softmax(logits)[rows, places, tags[rows, places]].mean()
    assert float(loss) == pytest.approx(expected)


def test_a_batch_with_neither_labels_nor_teacher_teaches_nothing(tmp_path: Path) -> None:
    batch = replace(a_batch(labelled=False), teacher=None)
    logits = torch.ones(2, 7, TAGS, requires_grad=True)
    loss = distiller(tmp_path).loss_of(Output(logits, ()), batch)
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0
    assert logits.grad is not None
    assert not logits.grad.any()
