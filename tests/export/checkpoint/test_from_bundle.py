"""A bundle becomes the model again that it was made of."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from edgener import Recognizer
from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import GRAPH, load_bundle
from edgener.tokenizer import Encoder
from edgener_export.checkpoint.classifier import load_classifier, tags_of
from edgener_export.checkpoint.from_bundle import unpack_bundle
from edgener_export.cli.main import main
from edgener_export.errors import CheckpointError
from edgener_export.graph.export import INPUTS, open_session
from tests.support import ROOT, TINY_BUNDLE

TEXTS = ("王小明在青山大学工作。", "昨天，李娜从云州市来到龙泉县。")


def torch_logits(model: Any, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    rows = torch.from_numpy(ids)
    with torch.inference_mode():
        logits: NDArray[np.float32] = model.eval()(input_ids=rows, attention_mask=torch.ones_like(rows)).logits.numpy()
    return logits


@pytest.mark.parametrize(
    "bundle", [DEFAULT_BUNDLE, ROOT / "bundles/deep", ROOT / "bundles/nano"], ids=lambda path: path.name
)
def test_the_model_of_a_bundle_finds_what_the_bundle_finds(bundle: Path) -> None:
    loaded = load_bundle(bundle)
    encoder = Encoder(loaded.path("tokenizer.json"))
    session = open_session(loaded.path(GRAPH))
    model = unpack_bundle(bundle)
    assert tuple(tags_of(model)) == loaded.manifest.tags
    for encoding in encoder(TEXTS):
        ids = np.concatenate([[encoder.start_id], encoding.ids, [encoder.end_id]])[None]
        (expected,) = session.run(None, dict(zip(INPUTS, (ids, np.ones_like(ids)), strict=True)))
        logits = torch_logits(model, ids)
        np.testing.assert_array_equal(logits.argmax(axis=-1), expected.argmax(axis=-1))
        assert np.abs(logits - expected).mean() < 0.03 * np.abs(expected).max()


def test_neurons_without_effect_are_of_the_size_of_the_others() -> None:
    """Most neurons of two of nano's layers are zero in the second product, and were huge in the first one."""
    state = unpack_bundle(ROOT / "bundles/nano").state_dict()
    for weight in [name for name in state if name.endswith("intermediate.dense.weight")]:
        sizes = state[weight].abs().amax(dim=1)
        assert sizes.max() < 50 * sizes.median()
        assert state[weight.replace("weight", "bias")].abs().max() < 50 * sizes.median()


def test_every_weight_is_within_half_a_step_of_the_model_that_was_packed(tiny_run: Path) -> None:
    packed = load_classifier(tiny_run / "model").state_dict()
    unpacked = unpack_bundle(tiny_run / "bundle").state_dict()
    for name in ("query", "key"):
        weight = f"bert.encoder.layer.0.attention.self.{name}.weight"
        step = packed[weight].abs().max() / 127
        assert (unpacked[weight] - packed[weight]).abs().mean() < step
    bias = "bert.encoder.layer.0.intermediate.dense.bias"
    torch.testing.assert_close(unpacked[bias], packed[bias], rtol=0, atol=1e-4)


def test_a_bundle_is_trained_further(build_tiny: list[str], tiny_run: Path, tmp_path: Path) -> None:
    bundle = ["--set", f"model.checkpoint={tiny_run / 'bundle'}", "--set", "model.vocabulary=all"]
    short = ["--set", "finetune.epochs=1", "--set", "gate.f1=50", "--set", "gate.loss=100"]
    assert main([*build_tiny, *bundle, *short, "--run", str(tmp_path)]) == 0


def test_a_bundle_is_trained_further_in_another_scheme(build_tiny: list[str], tiny_run: Path, tmp_path: Path) -> None:
    bundle = ["--set", f"model.checkpoint={tiny_run / 'bundle'}", "--set", "scheme=BIO"]
    short = ["--set", "finetune.epochs=1", "--set", "gate.f1=50", "--set", "gate.loss=100"]
    assert main([*build_tiny, *bundle, *short, "--run", str(tmp_path)]) == 0
    assert load_bundle(tmp_path / "bundle").manifest.scheme == "BIO"


def test_a_bundle_learns_a_type_that_it_does_not_know(
    build_tiny: list[str], tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = ["--set", f"model.checkpoint={tiny_run / 'bundle'}", "--set", "data.types={LOC = 'PLACE', ORG = ''}"]
    short = ["--set", "finetune.epochs=3", "--set", "gate.f1=80", "--set", "gate.loss=100"]
    assert main([*build_tiny, *bundle, *short, "--run", str(tmp_path)]) == 0
    assert "train: the model keeps what it knows of PER, learns PLACE, forgets LOC ORG" in capsys.readouterr().err
    found = {entity.label for entity in Recognizer.load(tmp_path / "bundle")(TEXTS[1])}
    assert found == {"PER", "PLACE"}


def test_a_graph_that_is_not_of_bytes_is_refused_by_name(tiny_run: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_run / "fp32-draft", bundle)
    with pytest.raises(CheckpointError, match=r"bundle: its graph cannot be turned back into a model"):
        unpack_bundle(bundle)


def test_a_graph_whose_shapes_are_not_constant_is_refused_by_name() -> None:
    with pytest.raises(CheckpointError, match=r"tiny-bundle: its graph cannot be turned back into a model"):
        unpack_bundle(TINY_BUNDLE)
