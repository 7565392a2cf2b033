"""Swapped names: spans stay right, the same place always gives the same, and a killed run notices nothing."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgener.tags import Span
from edgener_export.corpus.name_swap import NameSwapper, with_names
from edgener_export.corpus.sentence import Sentence
from edgener_export.errors import RecipeError
from tests.export.tiny_tuner import KILLED_AT, Killed, TinyTuner


@st.composite
def sentences(draw: st.DrawFn) -> Sentence:
    text = draw(st.text(min_size=1, max_size=12))
    ends = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    labels = [draw(st.sampled_from(["", "PER", "ORG"])) for _ in ends]
    pairs = zip(pairwise(ends), labels, strict=False)
    return Sentence(text, tuple(Span(*ends_of, label) for ends_of, label in pairs if label))


def names(sentence: Sentence) -> list[tuple[str, str]]:
    return [(span.label, sentence.text[span.start : span.end]) for span in sentence.spans]


def between(sentence: Sentence) -> list[str]:
    """The text outside of names."""
    ends = [0, *(end for span in sentence.spans for end in span[:2]), len(sentence.text)]
    return [sentence.text[start:end] for start, end in zip(ends[::2], ends[1::2], strict=True)]


@given(st.lists(sentences(), max_size=6), st.sampled_from([0.0, 0.3, 1.0]), st.integers(0, 9), st.integers(0, 9))
def test_only_names_change_and_only_into_names_of_their_type(
    given_sentences: list[Sentence], probability: float, seed: int, epoch: int
) -> None:
    known = defaultdict(set)
    for sentence in given_sentences:
        for label, name in names(sentence):
            known[label, len(name) == 1].add(name)
    swapped = NameSwapper(given_sentences, probability, seed).epoch(epoch)
    for before, after in zip(given_sentences, swapped, strict=True):
        assert [span.label for span in after.spans] == [span.label for span in before.spans]
        assert between(after) == between(before)
        became: dict[tuple[str, str], str] = {}
        for (label, old), (_, new) in zip(names(before), names(after), strict=True):
            assert new in known[label, len(old) == 1]
            assert became.setdefault((label, old), new) == new
        if probability == 0:
            assert after == before
    assert NameSwapper(given_sentences, probability, seed).epoch(epoch) == swapped


def test_each_epoch_and_seed_has_its_own_names_and_all_come_up() -> None:
    corpus = [Sentence(f"我是{name}。", (Span(2, 2 + len(name), "PER"),)) for name in ("王明", "李小红", "阿卜杜拉")]
    seen = {tuple(s.text for s in NameSwapper(corpus, 1.0, seed).epoch(epoch)) for seed in (1, 2) for epoch in range(9)}
    assert len(seen) > 10
    assert {text for texts in seen for text in texts} == {sentence.text for sentence in corpus}


def test_the_share_is_kept() -> None:
    corpus = [Sentence(f"{number:03}", (Span(0, 3, "PER"),)) for number in range(1000)]
    swapped = NameSwapper(corpus, 0.3, 1).epoch(0)
    assert 250 < sum(before != after for before, after in zip(corpus, swapped, strict=True)) < 350


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(probability: float) -> None:
    with pytest.raises(RecipeError, match="swap_probability"):
        NameSwapper([], probability, 1)


@pytest.mark.parametrize("kind", ["swapped", "constant"])
def test_a_killed_run_ends_in_the_same_weights(tmp_path: Path, kind: str) -> None:
    setup = TinyTuner()
    examples = getattr(setup, kind)
    whole, expected = setup.open(tmp_path / "whole")
    whole.run(examples, setup.constant)
    killed, _ = setup.open(tmp_path / "killed", Killed)
    with pytest.raises(KeyboardInterrupt):
        killed.run(examples, setup.constant)
    resumed, model = setup.open(tmp_path / "killed")
    resumed.run(examples, setup.constant)
    state = torch.load(tmp_path / "killed/state.pt", weights_only=True)
    assert state["step"] == torch.load(tmp_path / "whole/state.pt", weights_only=True)["step"] > 2 * KILLED_AT - 3
    for name, weight in expected.state_dict().items():
        assert torch.equal(weight, model.state_dict()[name]), name


def test_a_state_from_before_swapping_is_taken_up(tmp_path: Path) -> None:
    """It has no place: all of its epochs were alike."""
    setup = TinyTuner()
    whole, expected = setup.open(tmp_path / "whole")
    whole.run(setup.constant, setup.constant)
    killed, _ = setup.open(tmp_path / "killed", Killed)
    with pytest.raises(KeyboardInterrupt):
        killed.run(setup.constant, setup.constant)
    path = tmp_path / "killed/state.pt"
    state = torch.load(path, weights_only=True)
    del state["place"]
    torch.save(state, path)
    resumed, model = setup.open(tmp_path / "killed")
    resumed.run(setup.constant, setup.constant)
    assert all(torch.equal(weight, model.state_dict()[name]) for name, weight in expected.state_dict().items())


@given(sentences(), st.data())
def test_ignored_ranges_cover_what_they_covered(sentence: Sentence, data: st.DataObject) -> None:
    texts = [data.draw(st.text("欧阳震华", min_size=1, max_size=5)) for _ in sentence.spans]
    start = data.draw(st.integers(0, len(sentence.text) - 1))
    end = data.draw(st.integers(start + 1, len(sentence.text)))
    changed = with_names(Sentence(sentence.text, sentence.spans, ((start, end),)), texts)
    ((new_start, new_end),) = changed.ignored
    assert 0 <= new_start < new_end <= len(changed.text)
    for before, after in zip(sentence.spans, changed.spans, strict=True):
        is_touched = before.start < end and start < before.end
        assert is_touched == (new_start <= after.start and after.end <= new_end)
    rest = [sentence.text[max(0, it) : it + 1] for it in range(len(sentence.text))]
    is_outside = [not any(span.start <= it < span.end for span in sentence.spans) for it in range(len(rest))]
    kept = "".join(rest[it] for it in range(start, end) if is_outside[it])
    covered = range(new_start, new_end)
    in_names = {it for span in changed.spans for it in range(span.start, span.end)}
    assert "".join(changed.text[it] for it in covered if it not in in_names) == kept
