"""A model after layers, heads and neurons were removed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from edgener_export.checkpoint.classifier import load_classifier
from edgener_export.checkpoint.prune import keep_heads, narrow_feed_forward, replace_activation, select_layers
from edgener_export.errors import RecipeError

IDS = torch.arange(20)[None]


@pytest.fixture
def model(tiny_bert: Any) -> Any:
    return copy.deepcopy(tiny_bert)


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        result: torch.Tensor = model(IDS).logits
    return result


def test_layers_are_kept_in_the_given_order(model: Any) -> None:
    first, second = model.bert.encoder.layer
    select_layers(model, [2, 1])
    assert list(model.bert.encoder.layer) == [second, first]
    select_layers(model, [1])
    assert list(model.bert.encoder.layer) == [second]
    assert model.config.num_hidden_layers == 1


def test_neurons_without_effect_go_first(model: Any) -> None:
    before = logits(model)
    for layer in model.bert.encoder.layer:
        with torch.no_grad():
            layer.output.dense.weight[:, ::2] = 0
    silenced = logits(model)
    assert not torch.allclose(silenced, before)
    narrow_feed_forward(model, 32)
    assert model.bert.encoder.layer[0].intermediate.dense.weight.shape == (32, 32)
    torch.testing.assert_close(logits(model), silenced)


def test_heads_without_effect_go_first(model: Any) -> None:
    before = logits(model)
    for layer in model.bert.encoder.layer:
        with torch.no_grad():
            layer.attention.output.dense.weight[:, 8:16] = 0
    silenced = logits(model)
    assert not torch.allclose(silenced, before)
    keep_heads(model, 3)
    assert model.bert.encoder.layer[1].attention.self.query.weight.shape == (24, 32)
    torch.testing.assert_close(logits(model), silenced)


def test_more_than_there_is_cannot_be_kept(model: Any) -> None:
    with pytest.raises(RecipeError, match="layer 3; the checkpoint has 1 to 2"):
        select_layers(model, [1, 3])
    with pytest.raises(RecipeError, match="feed_forward is 64"):
        narrow_feed_forward(model, 64)
    with pytest.raises(RecipeError, match="heads is 4"):
        keep_heads(model, 4)


def test_layers_that_lost_heads_come_back_from_their_directory(model: Any, tmp_path: Path) -> None:
    keep_heads(model, 3)
    select_layers(model, [2])
    model.save_pretrained(tmp_path)
    torch.testing.assert_close(logits(load_classifier(tmp_path)), logits(model))
    with pytest.raises(RecipeError, match="heads is 3; the checkpoint's layers have only 3"):
        keep_heads(model, 3)


def test_layers_that_lost_heads_lose_more_of_those_that_are_left(model: Any, tmp_path: Path) -> None:
    for layer in model.bert.encoder.layer:
        with torch.no_grad():
            layer.attention.output.dense.weight[:, 8:24] = 0
    silenced = logits(model)
    keep_heads(model, 3)
    keep_heads(model, 2)
    assert model.bert.encoder.layer[1].attention.self.query.weight.shape == (16, 32)
    assert {place: set(heads) for place, heads in model.config.pruned_heads.items()} == {0: {1, 2}, 1: {1, 2}}
    torch.testing.assert_close(logits(model), silenced)
    model.save_pretrained(tmp_path)
    torch.testing.assert_close(logits(load_classifier(tmp_path)), silenced)


def test_another_activation_is_used_and_saved(model: Any, tmp_path: Path) -> None:
    before = logits(model)
    replace_activation(model, "relu")
    after = logits(model)
    assert not torch.allclose(after, before)
    model.save_pretrained(tmp_path)
    torch.testing.assert_close(logits(type(model).from_pretrained(tmp_path)), after)


def test_an_unknown_activation_is_refused_by_name(model: Any) -> None:
    with pytest.raises(RecipeError, match=r"activation 'rellu' is unknown; known: .*relu"):
        replace_activation(model, "rellu")
