"""Tests of the training on a GPU, which runs on a processor too, on rows and models that are small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgener.bundle import load_bundle
from edgener_export.checkpoint.classifier import load_classifier
from tools.gpu_training import plan
from tools.gpu_training.encoder import Encoder, Shape, load_encoder, save_encoder
from tools.gpu_training.inputs import write_classifier, write_weights
from tools.gpu_training.losses import hidden_word_head, hidden_word_loss, tag_loss
from tools.gpu_training.rows import LONGEST, UNLABELLED, Mixture, Rows, write_rows
from tools.gpu_training.training import Run

NANO = Path(__file__).parents[2] / "bundles/nano"
CPU = torch.device("cpu")
SHAPE = Shape(
    vocabulary=60,
    width=16,
    attention_width=8,
    heads=2,
    feed_forward=32,
    layers=2,
    positions=LONGEST,
    tags=13,
    activation="gelu",
    epsilon=1e-12,
)
MASK_ID = 4


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """More threads would only wait for each other at models of this size."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the weights of bundles/nano: pairs, pruned heads and ReLU."""
    path = tmp_path_factory.mktemp("nano") / "nano.safetensors"
    write_weights(NANO, path)
    return path


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    """20 rows of each kind, of which those of texts have no labels."""
    return Rows(write_kinds(tmp_path), [*plan.LEARNED, plan.TEXT, plan.DEV], 0, CPU)


def write_kinds(directory: Path) -> Path:
    generator = np.random.default_rng(1)
    for kind in (*plan.LEARNED, plan.TEXT, plan.DEV):
        ids = [generator.integers(5, SHAPE.vocabulary, int(generator.integers(4, 40))) for _ in range(20)]
        tags = [np.where(row % 7 == 0, 4, 0) for row in ids]
        write_rows(directory, kind, ids, None if kind == plan.TEXT else tags)
    return directory


def test_the_encoder_has_the_logits_of_the_model_whose_weights_it_took(nano: Path) -> None:
    ids = torch.randint(5, 9000, (3, 24), generator=torch.Generator().manual_seed(2))
    present = torch.ones(3, 24, dtype=torch.bool)
    present[1, 10:] = False
    with torch.inference_mode():
        ours = load_encoder(nano, CPU)(ids, present)
        classifier: Any = load_classifier(NANO)
        theirs = classifier.eval()(input_ids=ids, attention_mask=present.long()).logits
    assert float((ours - theirs)[present].abs().max()) < 0.25, "bf16 has three digits"
    assert (ours.argmax(-1) == theirs.argmax(-1))[present].float().mean() > 0.95


def test_trained_weights_come_back_as_a_classifier_bit_for_bit(nano: Path, tmp_path: Path) -> None:
    encoder = load_encoder(nano, CPU)
    with torch.no_grad():
        encoder.get_parameter("layers.1.narrow.weight").mul_(2)
    write_classifier(encoder, NANO, tmp_path / "model")
    before, after = load_classifier(NANO).state_dict(), load_classifier(tmp_path / "model").state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"bert.encoder.layer.1.output.dense.weight"}


@settings(max_examples=30, deadline=None)
@given(lengths=st.lists(st.integers(3, LONGEST), min_size=1, max_size=40), tokens=st.integers(8, 1024))
def test_batches_hold_each_row_once_and_pad_it_by_less_than_a_step(
    lengths: list[int], tokens: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("rows")
    write_rows(directory, plan.DEV, [np.full(length, 5) for length in lengths], None)
    rows = Rows(directory, [plan.DEV], 0, CPU)
    seen: list[int] = []
    for numbers, width in rows.batches(rows.of_kind[plan.DEV], tokens):
        drawn = rows.take(numbers, width)
        assert [int(row.sum()) for row in drawn.present] == [lengths[number] for number in numbers]
        assert all(width - 8 < lengths[number] <= width for number in numbers)
        assert len(numbers) == 1 or len(numbers) * width <= tokens
        assert int(drawn.is_word.sum()) == sum(lengths[number] - 2 for number in numbers)
        seen += numbers.tolist()
    assert sorted(seen) == list(range(len(lengths)))


def test_a_mixture_draws_tokens_by_their_shares(rows: Rows) -> None:
    mixture = Mixture(rows, {plan.CORPUS: 0.75, plan.TEXT: 0.25}, tokens=128, seed=1)
    tokens = dict.fromkeys(rows.kinds, 0)
    for _ in range(400):
        numbers, _width = mixture.draw()
        for number in numbers.tolist():
            tokens[rows.kinds[int(rows.kind_of[number])]] += int(rows.lengths[number])
    assert tokens[plan.CORPUS] / sum(tokens.values()) == pytest.approx(0.75, abs=0.05)
    assert sum(tokens.values()) == tokens[plan.CORPUS] + tokens[plan.TEXT]


def test_tokens_without_labels_and_without_probabilities_teach_nothing(rows: Rows) -> None:
    torch.manual_seed(1)
    model = Encoder(SHAPE)
    texts, labelled = rows.of_kind[plan.TEXT], rows.of_kind[plan.CORPUS]
    hard = torch.full((len(rows.kinds),), 0.5)
    assert (rows.tags[rows.take(texts, 40).places] == UNLABELLED).any()
    with torch.no_grad():
        assert float(tag_loss(model, rows, texts, 40, hard, 0.0, MASK_ID, 0.0)) == 0
        assert float(tag_loss(model, rows, labelled, 40, hard, 0.0, MASK_ID, 0.0)) > 0.1


def test_a_model_that_has_its_teachers_probabilities_has_no_divergence_from_them(rows: Rows) -> None:
    torch.manual_seed(1)
    model, other = Encoder(SHAPE), Encoder(SHAPE)
    texts = rows.of_kind[plan.TEXT]
    drawn = rows.take(texts, 40)
    rows.soft = torch.zeros(len(rows.tags), SHAPE.tags, dtype=torch.float16)
    rows.has_soft[rows.kinds.index(plan.TEXT)] = True
    with torch.no_grad():
        rows.soft[drawn.places[drawn.present]] = model(drawn.ids, drawn.present).softmax(-1)[drawn.present].half()
    hard = torch.zeros(len(rows.kinds))
    with torch.no_grad():
        own, others = (float(tag_loss(each, rows, texts, 40, hard, 0.0, MASK_ID, 0.0)) for each in (model, other))
    assert own == pytest.approx(0, abs=1e-4)
    assert others > 100 * abs(own)


def test_hidden_words_are_guessed_better_by_a_model_that_learned_them(rows: Rows) -> None:
    torch.manual_seed(1)
    model = Encoder(SHAPE)
    head = hidden_word_head(model)
    optimizer = torch.optim.Adam([*model.parameters(), *head.parameters()], lr=3e-3)
    losses = []
    for _ in range(60):
        loss = hidden_word_loss(model, head, rows, rows.of_kind[plan.TEXT], 40, MASK_ID, 0.0)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])


def test_a_run_trains_the_teacher_and_the_students_and_writes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_kinds(tmp_path)
    torch.manual_seed(3)
    for name in (plan.TEACHER, *plan.STUDENTS):
        save_encoder(Encoder(SHAPE), tmp_path / f"{name}.safetensors")
    tag_set = load_bundle(NANO).manifest.tag_set
    run = Run(tmp_path, tag_set, 0, MASK_ID, CPU)
    run.train(4, tmp_path / "trained")
    told = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in told] == [plan.TEACHER, *plan.STUDENTS]
    for name in (plan.TEACHER, *plan.STUDENTS):
        before, after = (
            load_encoder(directory / f"{name}.safetensors", CPU) for directory in (tmp_path, tmp_path / "trained")
        )
        assert not torch.equal(before.head.weight, after.head.weight), name
        assert f"dev F1 {run.f1(after):.2f}" in told[0 if name == plan.TEACHER else 1 + plan.STUDENTS.index(name)]
