"""Continued pre-training hides whole words, resumes to the same weights, and helps to guess."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgener.bundle import TOKENIZER
from edgener.tokenizer import Encoder
from edgener_export.cli.main import main
from edgener_export.errors import RecipeError
from edgener_export.recipe.settings import AdaptSettings
from edgener_export.training.adapt import hide, read_adapt_text, whole_words
from edgener_export.training.batches import pad
from edgener_export.training.unlabelled import unlabelled_examples
from edgener_export.training.word_segmenter import words_of
from tests.export.commands import run_until_killed, train, with_settings
from tests.support import TINY_BUNDLE

ENCODER = Encoder(TINY_BUNDLE / TOKENIZER)
MASK, VOCABULARY = 4, 50


@pytest.fixture
def text(build_tiny: list[str], tmp_path: Path) -> Path:
    rows = (Path(build_tiny[1]).parent / "train.jsonl").read_text(encoding="utf-8").splitlines()
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join(json.loads(row)["text"] for row in rows[:200]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def command(build_tiny: list[str], text: Path) -> list[str]:
    settings = {
        "data.limit": 30,
        "adapt.text": text,
        "adapt.epochs": 3,
        "adapt.tokens_per_batch": 512,
        "adapt.learning_rate": 3e-3,
        "adapt.precision": "fp32",
        "adapt.dev_every": 5,
        "adapt.dev_sentences": 20,
        "finetune.epochs": 1,
        "gate.f1": 0,
        "gate.loss": 100,
    }
    return [*build_tiny, *with_settings(settings)]


def test_words_go_by_the_segmenter() -> None:
    text = "王伟在北京大学工作。"
    (encoding,) = ENCODER([text])
    numbers = words_of(text, encoding.offsets)
    words = [
        "".join(text[start:end] for (start, end), n in zip(encoding.offsets, numbers, strict=True) if n == number)
        for number in dict.fromkeys(numbers.tolist())
    ]
    assert words == ["王伟", "在", "北京大学", "工作", "。"]


@given(
    st.lists(st.text("王伟在北京大学工作。ab1 😀", min_size=1, max_size=40), min_size=1, max_size=4), st.integers(0, 9)
)
def test_words_are_hidden_as_a_whole_and_nothing_else_is(texts: list[str], seed: int) -> None:
    examples = list(unlabelled_examples(texts, ENCODER, 16, words_of))
    if not examples:
        return
    batch = pad(examples, ENCODER.pad_id)
    chosen = whole_words(batch, 0.5, torch.Generator().manual_seed(seed))
    shown = hide(batch.ids, chosen, MASK, VOCABULARY, torch.Generator().manual_seed(seed))
    assert torch.equal(shown[~chosen], batch.ids[~chosen])
    for example, row in zip(examples, chosen.numpy(), strict=True):
        length = len(example.ids)
        assert not row[0]
        assert not row[length - 1 :].any()
        assert example.words is not None
        numbers = example.words[1 : length - 1]
        for number in np.unique(numbers):
            assert len(set(row[1 : length - 1][numbers == number].tolist())) == 1


def test_most_of_what_is_to_be_guessed_is_behind_the_mask() -> None:
    ids = torch.full((100, 100), 7)
    shown = hide(ids, torch.ones_like(ids).bool(), MASK, VOCABULARY, torch.Generator().manual_seed(0))
    assert (shown == MASK).float().mean() == pytest.approx(0.8, abs=0.02)
    assert (shown == 7).float().mean() == pytest.approx(0.1, abs=0.02)


def test_texts_to_measure_on_are_not_learned(text: Path) -> None:
    parts = read_adapt_text(text, AdaptSettings(dev_sentences=20), ENCODER, 64)
    learned = parts.train(0)
    assert len(parts.dev) >= 20
    whole = list(unlabelled_examples(text.read_text(encoding="utf-8").splitlines(), ENCODER, 64))
    assert len(learned) + len(parts.dev) == len(whole)
    assert parts.train(1) is learned


def test_a_killed_adaptation_ends_in_the_same_weights(command: list[str], tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    state = killed / "adapt" / "state.pt"
    save = ["--set", "adapt.save_minutes=0", "--run", str(killed)]
    run_until_killed([*command, *save], state)
    assert torch.load(state, weights_only=True)["step"] > 0
    train([*command, "--run", str(killed)])
    train([*command, "--run", str(whole)])
    weights = Path("model") / "model.safetensors"
    assert (killed / weights).read_bytes() == (whole / weights).read_bytes()
    curve = [json.loads(row) for row in (whole / "adapt" / "metrics.jsonl").read_text().splitlines()]
    assert curve[-1]["dev_perplexity"] < curve[0]["dev_perplexity"]
    assert curve[-1]["loss"] < curve[0]["loss"]


def test_without_texts_there_is_nothing_to_measure_on(
    command: list[str], text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text.write_text("只有一行\n", encoding="utf-8")
    assert main([*command, "--run", str(tmp_path / "run")]) == RecipeError.exit_code
    assert "adapt needs texts to learn from and texts to measure on; it has 1" in capsys.readouterr().err


def test_a_missing_segmenter_is_named_with_its_remedy(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "rjieba", None)
    assert main([*command, "--run", str(tmp_path / "run")]) == RecipeError.exit_code
    assert "[adapt] needs rjieba: pip install '.[export,export-adapt]' in a clone of edgener" in capsys.readouterr().err
