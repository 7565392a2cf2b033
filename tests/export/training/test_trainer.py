"""The options of a training: accumulated gradients, the best or the mean weights, slower lower layers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgener.tags import Span, TagSet
from edgener_export.errors import RecipeError
from edgener_export.training.batches import pad
from edgener_export.training.class_weights import tag_weights
from edgener_export.training.finetune import Output
from edgener_export.training.kept_weights import BestWeights, WeightAverage
from edgener_export.training.metrics import read_final_metrics
from edgener_export.training.optimizer import parameter_groups
from tests.export.tiny_tuner import Killed, TinyTuner

TAG_SET = TagSet.of("BIO", ("LOC", "PER"))


def step_of(directory: Path) -> int:
    return int(torch.load(directory / "state.pt", weights_only=True)["step"])


@pytest.mark.parametrize(
    "settings",
    [
        {"accumulate": 2, "epochs": 8},
        {"patience": 50, "dev_every": 2},
        {"patience": 1, "dev_every": 3, "learning_rate": 0.0},
        {"average_last": 0.8},
        {"start_share": 0.3},
        {"layer_decay": 0.5},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_a_killed_run_ends_in_the_same_weights(tmp_path: Path, settings: dict[str, Any]) -> None:
    tiny = TinyTuner(**settings)
    whole, expected = tiny.open(tmp_path / "whole")
    whole.run(tiny.constant, tiny.constant)
    killed, _ = tiny.open(tmp_path / "killed", Killed)
    if step_of(tmp_path / "whole") > 7:
        with pytest.raises(KeyboardInterrupt):
            killed.run(tiny.constant, tiny.constant)
    resumed, model = tiny.open(tmp_path / "killed")
    resumed.run(tiny.constant, tiny.constant)
    again, model_again = tiny.open(tmp_path / "killed")
    again.run(tiny.constant, tiny.constant)
    for name, weight in expected.state_dict().items():
        assert torch.equal(weight, model.state_dict()[name]), name
        assert torch.equal(weight, model_again.state_dict()[name]), name


def test_the_last_scores_decide_when_it_ends(tmp_path: Path) -> None:
    tiny = TinyTuner(patience=2, dev_every=2, learning_rate=0.0)
    tuner, _ = tiny.open(tmp_path)
    tuner.run(tiny.constant, tiny.constant)
    assert step_of(tmp_path) == 6
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 3


def test_scores_of_a_killed_training_that_goes_on_from_an_earlier_step_are_forgotten(tmp_path: Path) -> None:
    tiny = TinyTuner(dev_every=2)
    tuner, _ = tiny.open(tmp_path)
    tuner.run(tiny.constant, tiny.constant)
    metrics = tmp_path / "metrics.jsonl"
    whole = [json.loads(line)["step"] for line in metrics.read_text().splitlines()]
    metrics.write_text(metrics.read_text() + f'{{"step": {whole[-1] + 1}, "loss": 1.0}}\n{{"step": 2, "ti')
    resumed, _ = tiny.open(tmp_path)
    resumed.run(tiny.constant, tiny.constant)
    assert [json.loads(line)["step"] for line in metrics.read_text().splitlines()] == whole
    (tmp_path / "state.pt").unlink()
    anew, _ = tiny.open(tmp_path)
    anew.run(tiny.constant, tiny.constant)
    assert [json.loads(line)["step"] for line in metrics.read_text().splitlines()] == whole


def test_the_best_weights_are_kept() -> None:
    model = torch.nn.Linear(1, 1)
    best = BestWeights(2)
    for merit in (1.0, 3.0, 2.0, 3.0):
        with torch.no_grad():
            model.weight.fill_(merit * 10)
        best.consider(model, merit)
    assert best.is_over
    with torch.no_grad():
        model.weight.fill_(0)
    best.restore(model)
    assert model.weight.item() == 30


def test_the_last_weights_are_averaged() -> None:
    model = torch.nn.Linear(1, 1)
    average = WeightAverage(0.5)
    for step in range(1, 9):
        with torch.no_grad():
            model.weight.fill_(step)
        average.add(model, step / 8)
    average.restore(model)
    assert model.weight.item() == np.mean([5, 6, 7, 8])


def test_a_share_of_the_first_weights_stays(tmp_path: Path) -> None:
    def weight_after_run(share: float) -> torch.Tensor:
        tiny = TinyTuner(start_share=share, learning_rate=1e-2)
        tuner, model = tiny.open(tmp_path)
        tuner.run(tiny.constant, tiny.constant)
        return torch.clone(model.get_parameter("classifier.weight"))

    _, untrained = TinyTuner().open(tmp_path / "unused")
    first = untrained.get_parameter("classifier.weight")
    mixed = weight_after_run(0.25)
    last = weight_after_run(0.0)
    assert not torch.allclose(first, last, atol=1e-3)
    torch.testing.assert_close(mixed, 0.25 * first + 0.75 * last)
    torch.testing.assert_close(weight_after_run(1.0), first)


def test_accumulated_gradients_are_those_of_their_batches_mean(tmp_path: Path) -> None:
    tiny = TinyTuner(accumulate=3, epochs=3)
    tuner, _ = tiny.open(tmp_path)
    tuner.run(tiny.constant, tiny.constant)
    single = TinyTuner(epochs=3)
    other, _ = single.open(tmp_path / "single")
    other.run(single.constant, single.constant)
    steps_of_an_epoch = step_of(tmp_path / "single") // 3
    assert step_of(tmp_path) == 3 * -(-steps_of_an_epoch // 3)


def test_lower_layers_learn_more_slowly(tiny_bert: Any) -> None:
    head = torch.nn.Linear(1, 1)
    groups = parameter_groups(tiny_bert, head, 0.5)
    assert [group.rate for group in groups] == [0.125, 0.25, 0.5, 1.0]
    trained = sum(len(group.matrices) + len(group.vectors) for group in groups)
    assert trained == len(list(tiny_bert.parameters())) + 2
    assert head.weight in set(groups[-1].matrices)
    assert tiny_bert.get_input_embeddings().weight in set(groups[0].matrices)


def test_without_decay_there_is_one_group_in_the_models_order(tiny_bert: Any) -> None:
    (group,) = parameter_groups(tiny_bert, torch.nn.Module(), 1.0)
    matrices = [parameter for parameter in tiny_bert.parameters() if parameter.ndim > 1]
    assert all(one is other for one, other in zip(group.matrices, matrices, strict=True))


def test_a_type_without_weight_is_not_learned(tmp_path: Path) -> None:
    tiny = TinyTuner()
    weights = tag_weights({"O": 0.0}, False, tiny.tag_set, tiny.constant)
    batch = pad(tiny.constant, tiny.encoder.pad_id)
    outside = (batch.tags == 0)[..., None]
    logits = torch.zeros(*batch.tags.shape, len(tiny.tag_set.tags))
    tuner, _ = tiny.open(tmp_path, weights=weights)
    wrong_outside = Output(torch.where(outside, torch.arange(len(tiny.tag_set.tags)), logits), ())
    assert tuner.loss_of(wrong_outside, batch) == tuner.loss_of(Output(logits, ()), batch)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"accumulate": 0}, "accumulate is 0"),
        ({"layer_decay": 0.0}, "layer_decay is 0.0"),
        ({"average_last": 1.5}, "average_last is 1.5"),
        ({"patience": 1, "average_last": 0.5}, "choose one"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        TinyTuner(**settings).open(tmp_path)


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(RecipeError, match="class_weights names 'TIME'; known: LOC, O, PER"):
        tag_weights({"TIME": 2.0}, False, TAG_SET, [])


@pytest.mark.parametrize(("epochs", "dev_every"), [(1, 1000), (4, 1000), (4, 3)])
def test_a_curve_has_scores_however_few_the_steps(tmp_path: Path, epochs: int, dev_every: int) -> None:
    tiny = TinyTuner(epochs=epochs, dev_every=dev_every)
    tuner, _ = tiny.open(tmp_path)
    tuner.run(tiny.constant, tiny.constant)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    steps, total = [row["step"] for row in rows], step_of(tmp_path)
    interval = min(dev_every, -(-total // 4))
    assert steps == sorted({*range(interval, total + 1, interval), total})
    assert all("dev_f1" in row for row in rows)


@pytest.mark.parametrize("settings", [{"patience": 1, "learning_rate": 0.0}, {"start_share": 0.5}, {}])
def test_the_final_figures_are_those_of_the_kept_weights_on_all_sentences(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    tiny = TinyTuner(dev_every=2, dev_sentences=3, **settings)
    tuner, _ = tiny.open(tmp_path)
    measured = tuner.run(tiny.constant, tiny.constant)
    assert read_final_metrics(tmp_path) == {"dev_f1": round(measured.f1, 4)}
    assert measured == tuner.evaluate(tiny.constant)
    lines = (tmp_path / "metrics.jsonl").read_text()
    again, _ = tiny.open(tmp_path)
    again.run(tiny.constant, tiny.constant)
    assert read_final_metrics(tmp_path) == {"dev_f1": round(measured.f1, 4)}
    assert (tmp_path / "metrics.jsonl").read_text() == lines


def test_equal_names_that_no_window_shows_whole_are_missed_once_in_each_sentence(tmp_path: Path) -> None:
    tiny = TinyTuner()
    tuner, _ = tiny.open(tmp_path)
    plain = tiny.constant[0]
    lost = replace(plain, lost=(Span(0, 70, "PER"),))
    assert tuner.evaluate([lost, lost]).expected == tuner.evaluate([plain, plain]).expected + 2


def test_more_frozen_layers_than_there_are_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="frozen_layers is 2; the model has only 1 layers"):
        TinyTuner(frozen_layers=2).open(tmp_path)
