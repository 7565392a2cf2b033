"""The counts and measures of a report, on cases small enough to count by hand."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from edgener import Recognizer
from edgener.dataclass_json import from_plain
from edgener.tags import Span
from edgener_export.corpus.sentence import Sentence
from edgener_export.graph.export import export_graph
from edgener_export.graph.int8 import quantize_graph
from edgener_export.plan.one_command import PART, last_f1
from edgener_export.recipe.read import read_recipe
from edgener_export.recipe.settings import QuantizeSettings, Recipe
from edgener_export.recipe.text import recipe_as_toml
from edgener_export.report.confusion import confuse
from edgener_export.report.lost_and_won import MOST_EXAMPLES, compare
from edgener_export.report.product_errors import count_products, measure_product_errors
from edgener_export.report.record import ConfusionRow, LostExample, Mark, TrainingPoint
from edgener_export.report.speed import measure_speeds
from edgener_export.report.training_curves import read_training
from edgener_export.training.metrics import FINAL_METRICS, METRICS
from tests.support import ROOT

WEIGHTS = 2 * (4 * 32 * 32 + 2 * 32 * 64) + 32 * 5
"""Weights of the matrix products of ``tiny_bert``, with its classifier."""
ROWS = [np.random.default_rng(seed).integers(0, 100, 12) for seed in range(4)]
FEED_FORWARD = "/bert/encoder/layer.1/output/dense/MatMul"


def test_every_expected_entity_is_counted_once() -> None:
    pairs = [
        ([Span(0, 2, "PER"), Span(3, 5, "LOC")], [Span(0, 2, "PER"), Span(3, 5, "ORG")]),
        ([Span(0, 4, "ORG"), Span(6, 7, "PER")], [Span(0, 2, "LOC"), Span(2, 4, "ORG")]),
        ([Span(0, 2, "LOC"), Span(2, 4, "LOC")], [Span(1, 3, "LOC"), Span(4, 6, "PER")]),
        ([], [Span(0, 1, "PER")]),
    ]
    assert confuse(pairs) == (
        ConfusionRow("LOC", {"LOC": 0, "ORG": 1, "PER": 0}, other_ends=2, missed=0),
        ConfusionRow("ORG", {"LOC": 0, "ORG": 0, "PER": 0}, other_ends=1, missed=0),
        ConfusionRow("PER", {"LOC": 0, "ORG": 0, "PER": 1}, other_ends=0, missed=1),
        ConfusionRow("", {"LOC": 0, "ORG": 0, "PER": 2}, other_ends=0, missed=0),
    )


def test_touching_is_not_overlapping() -> None:
    assert confuse([([Span(0, 2, "PER")], [Span(2, 4, "PER")])]) == (
        ConfusionRow("PER", {"PER": 0}, other_ends=0, missed=1),
        ConfusionRow("", {"PER": 1}, other_ends=0, missed=0),
    )


def test_a_lost_sentence_was_right_before() -> None:
    name, other = Span(0, 2, "PER"), Span(0, 3, "PER")
    sentences = [Sentence(text, (name,)) for text in ("王明甲", "王明乙", "王明丙", "王明丁")]
    before = [((name,), found) for found in ([name], [name], [other], [])]
    after = [((name,), found) for found in ([name], [other], [name], [other])]
    changes = compare(sentences, before, after)
    assert (changes.lost, changes.won) == (1, 1)
    assert changes.examples == (LostExample("王明乙", (Mark(0, 2, "PER"),), (Mark(0, 3, "PER"),)),)


def test_only_so_many_lost_sentences_are_kept() -> None:
    name = Span(0, 2, "PER")
    count = MOST_EXAMPLES + 5
    changes = compare([Sentence("王明", (name,))] * count, [((name,), [name])] * count, [((name,), [])] * count)
    assert changes.lost == count
    assert len(changes.examples) == MOST_EXAMPLES


@pytest.fixture(scope="module")
def fp32(tiny_bert: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("products") / "fp32.onnx"
    export_graph(tiny_bert, path, max_tokens=24)
    return path


def quantized(fp32: Path, target: Path, settings: QuantizeSettings, rows: list[NDArray[np.int64]] = ROWS) -> Path:
    quantize_graph(fp32, target, rows, settings)
    return target


def test_products_are_weights(fp32: Path) -> None:
    assert count_products(onnx.load(fp32).graph) == WEIGHTS


@pytest.mark.parametrize("method", ["static", "dynamic"])
def test_every_quantized_product_has_a_small_error(fp32: Path, tmp_path: Path, method: str) -> None:
    settings = QuantizeSettings(method=method)
    int8 = quantized(fp32, tmp_path / "int8.onnx", settings)
    errors = measure_product_errors(onnx.load(fp32), int8, ROWS, settings)
    assert len(errors) == 13
    assert sum(error.weights for error in errors) == WEIGHTS
    assert all(0 < error.relative_error < 0.05 for error in errors)
    assert all(error.decibels > 26 for error in errors)


def test_excluded_products_have_no_error(fp32: Path, tmp_path: Path) -> None:
    settings = QuantizeSettings(exclude=(FEED_FORWARD, "classifier"))
    int8 = quantized(fp32, tmp_path / "int8.onnx", settings)
    names = [error.name for error in measure_product_errors(onnx.load(fp32), int8, ROWS, settings)]
    assert len(names) == 11
    assert FEED_FORWARD not in names


def test_an_error_belongs_to_the_product_that_makes_it(fp32: Path, tmp_path: Path) -> None:
    settings = QuantizeSettings()
    int8 = quantized(fp32, tmp_path / "int8.onnx", settings)
    before = measure_product_errors(onnx.load(fp32), int8, ROWS, settings)
    model = onnx.load(int8)
    (weights,) = (tensor for tensor in model.graph.initializer if tensor.name == f"{FEED_FORWARD}/int8")
    weights.CopyFrom(numpy_helper.from_array(np.zeros_like(numpy_helper.to_array(weights)), weights.name))
    onnx.save(model, int8)
    for error, was in zip(measure_product_errors(onnx.load(fp32), int8, ROWS, settings), before, strict=True):
        assert error.relative_error == (1.0 if error.name == FEED_FORWARD else was.relative_error)


def test_stages_come_in_the_order_in_which_they_ran(tmp_path: Path) -> None:
    stages: dict[str, list[dict[str, float]]] = {
        "finetune": [{"step": 10, "time": 100, "loss": 2.0, "dev_f1": 50.0}, {"step": 20, "time": 110, "loss": 1}],
        "distil": [{"step": 10, "time": 200, "loss": 0.5, "dev_f1": 80.0}],
        "empty": [],
    }
    for name, lines in stages.items():
        (tmp_path / name).mkdir()
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (tmp_path / name / "metrics.jsonl").write_text(text, encoding="utf-8")
    first, second = read_training(tmp_path)
    assert (first.name, second.name) == ("finetune", "distil")
    assert first.points == (TrainingPoint(10, 2.0, 50.0), TrainingPoint(20, 1, None))


def test_the_trainings_of_the_learning_curve_are_no_stages_of_the_run(tmp_path: Path) -> None:
    for name in ("finetune", f"{PART}25/finetune"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "metrics.jsonl").write_text('{"step": 10, "loss": 2.0}\n', encoding="utf-8")
    (stage,) = read_training(tmp_path)
    assert stage.name == "finetune"


def test_the_last_point_of_the_learning_curve_is_what_the_kept_weights_have_on_all_sentences(tmp_path: Path) -> None:
    assert last_f1(tmp_path) == 0
    for time, name in enumerate(("finetune", "distil")):
        (tmp_path / name).mkdir()
        line = {"step": 10, "time": time, "loss": 2.0, "dev_f1": 70.0 + time}
        (tmp_path / name / METRICS).write_text(json.dumps(line) + "\n", encoding="utf-8")
    assert last_f1(tmp_path) == 71.0  # of a training of an earlier version
    (tmp_path / "distil" / FINAL_METRICS).write_text('{"dev_f1": 75.5}\n', encoding="utf-8")
    assert last_f1(tmp_path) == 75.5


def test_a_step_that_was_repeated_after_a_kill_counts_once(tmp_path: Path) -> None:
    lines = ['{"step": 10, "loss": 2.0}', '{"step": 20, "lo', '{"step": 10, "loss": 3.0}', '{"step": 15, "loss": 1.0}']
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (stage,) = read_training(tmp_path)
    assert stage.points == (TrainingPoint(10, 3.0, None), TrainingPoint(15, 1.0, None))


@pytest.mark.parametrize("path", [*sorted((ROOT / "export/recipes").glob("*.toml"))])
def test_the_recipe_of_a_report_is_the_same_recipe(path: Path) -> None:
    overrides = ['distil.teacher=a "b" \\ c\n', "quantize.exclude=['x', 'y']", "finetune.learning_rate=1e-5"]
    overrides += ["finetune.class_weights={'PER.NAM' = 2.0, '人名' = 3.0}", "data.unlabelled_types=[]"]
    recipe = read_recipe(path, overrides, needs_models=False)
    assert from_plain(Recipe, tomllib.loads(recipe_as_toml(recipe))) == recipe


def test_speeds_are_measured_of_each(recognizer: Recognizer) -> None:
    speeds = measure_speeds([recognizer, recognizer], ["王小明在青山大学工作。", "今天天气很好。"])
    assert len(speeds) == 2
    assert all(speed.characters_per_second > 0 and speed.milliseconds > 0 for speed in speeds)
