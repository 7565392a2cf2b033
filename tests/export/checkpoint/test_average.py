"""Two models of one shape make a third between them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from edgener_export.checkpoint.average import average_with
from edgener_export.errors import CheckpointError
from edgener_export.recipe.settings import AverageSettings


@pytest.fixture
def other(tiny_bert: Any, tmp_path: Path) -> Path:
    moved = copy.deepcopy(tiny_bert)
    with torch.no_grad():
        for parameter in moved.parameters():
            parameter.add_(1.0)
    moved.save_pretrained(tmp_path / "other")
    return tmp_path / "other"


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_weights_move_by_the_share(tiny_bert: Any, other: Path, share: float) -> None:
    average = copy.deepcopy(tiny_bert)
    average_with(average, AverageSettings(str(other), share))
    own = tiny_bert.state_dict()
    for name, weight in average.state_dict().items():
        torch.testing.assert_close(weight, own[name] + share)


def test_a_model_of_another_shape_or_with_other_tags_is_refused(tiny_bert: Any, other: Path, tmp_path: Path) -> None:
    wider = copy.deepcopy(tiny_bert)
    wider.resize_token_embeddings(120, mean_resizing=False)
    with pytest.raises(CheckpointError, match="not of the shape"):
        average_with(wider, AverageSettings(str(other)))
    tagged = copy.deepcopy(tiny_bert)
    tagged.config.id2label = {number: f"X{number}" for number in range(tagged.config.num_labels)}
    with pytest.raises(CheckpointError, match="its tags are"):
        average_with(tagged, AverageSettings(str(other)))
    with pytest.raises(CheckpointError, match="nothing: is not a directory with a trained token classifier"):
        average_with(tiny_bert, AverageSettings(str(tmp_path / "nothing")))
