"""A widened model computes what the narrow one did."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from edgener_export.checkpoint import widen as module
from edgener_export.checkpoint.widen import widened

IDS = torch.arange(20)[None]


@pytest.mark.parametrize("factor", [2, 3])
def test_without_noise_the_logits_are_the_same(tiny_bert: Any, factor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NOISE", 0.0)
    wide: Any = widened(tiny_bert, factor)
    wide.eval()
    assert wide.config.hidden_size == factor * tiny_bert.config.hidden_size
    with torch.no_grad():
        torch.testing.assert_close(wide(IDS).logits, tiny_bert(IDS).logits, rtol=1e-4, atol=1e-4)


def test_the_noise_is_the_same_every_time(tiny_bert: Any) -> None:
    first, second = widened(tiny_bert, 2).state_dict(), widened(tiny_bert, 2).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
