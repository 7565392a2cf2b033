"""``edgener-export models``: figures that follow from the shapes, and a page that says the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForTokenClassification

from edgener_export.checkpoint.catalogue import (
    FAMILY,
    PROCESSORS,
    WHICH,
    Advice,
    EncoderShape,
    KnownModel,
    Question,
    latency_class,
)
from edgener_export.cli.main import main
from edgener_export.cli.models import guide
from edgener_export.graph.export import export_graph
from tests.support import ROOT

PAGE = ROOT / "docs/choosing-a-model.md"
BY_NAME = {model.name: model for model in FAMILY}


def leaves(node: Question | Advice) -> Iterator[Advice]:
    if isinstance(node, Advice):
        yield node
    else:
        yield from leaves(node.yes)
        yield from leaves(node.no)


@pytest.mark.parametrize("model", FAMILY, ids=lambda model: model.name)
def test_parameters_are_those_of_the_real_architecture(model: KnownModel) -> None:
    shape = model.shape
    options: dict[str, Any] = {"embedding_size": shape.embedding or shape.width} if "electra" in model.name else {}
    config = AutoConfig.for_model(
        "electra" if options else "bert",
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.ffn,
        **options,
    )
    factory: Any = AutoModel
    with torch.device("meta"):
        encoder = factory.from_config(config, **({} if options else {"add_pooling_layer": False}))
    assert shape.parameters == sum(parameter.numel() for parameter in encoder.parameters())


@pytest.mark.parametrize(
    ("name", "published_millions"),
    [
        ("hfl/minirbt-h256", 10.4),
        ("hfl/minirbt-h288", 12.3),
        ("hfl/rbt4-h312", 11.4),
        ("hfl/rbt3", 38.5),
        ("hfl/rbt6", 59.76),
        ("hfl/chinese-roberta-wwm-ext", 102.3),
        ("hfl/chinese-lert-large", 325.0),
    ],
)
def test_parameters_with_the_pooler_are_the_published_ones(name: str, published_millions: float) -> None:
    shape = BY_NAME[name].shape
    assert (shape.parameters + shape.width**2 + shape.width) / 1e6 == pytest.approx(published_millions, rel=0.006)


def test_int8_size_is_that_of_a_bundle_that_was_made() -> None:
    """model.onnx and model.onnx.data of 12 layers of 384; the graph's own nodes take the rest."""
    assert EncoderShape(12, 384, 12, 1536).int8_bytes == pytest.approx(24_823_680 + 696_055, rel=0.01)


def test_times_follow_from_the_products() -> None:
    rbt3 = BY_NAME["hfl/rbt3"].shape
    assert rbt3.products == 3 * (4 * 768**2 + 2 * 768 * 3072) == 21_233_664
    assert rbt3.operations(128) == 128 * (21_233_664 + 4608 * 128)
    assert [round(p.milliseconds(rbt3.operations(128)), 1) for p in PROCESSORS] == [48.5, 9.1, 9.7]
    assert [latency_class(time) for time in (0, 5, 5.1, 25, 99, 101, 1e9)] == ["A", "A", "B", "B", "C", "D", "D"]


def test_the_tree_advises_known_checkpoints_and_keeps_its_promises() -> None:
    small_question = WHICH.no
    assert isinstance(small_question, Question)
    assert {advice.checkpoint for advice in leaves(WHICH)} <= set(BY_NAME)
    for advice in leaves(small_question.yes):
        assert BY_NAME[advice.checkpoint].shape.int8_bytes < 12e6
    lert, rbt3 = (BY_NAME[name].shape for name in ("hfl/chinese-lert-base", "hfl/rbt3"))
    assert lert.products == 4 * rbt3.products
    assert lert.int8_bytes / rbt3.int8_bytes == pytest.approx(3, abs=0.3)


def test_names_are_unique_and_ordered_by_work() -> None:
    assert len(BY_NAME) == len(FAMILY)
    bundles = [model.shape.int8_bytes for model in FAMILY]
    assert bundles[:2] == sorted(bundles[:2])
    assert max(bundles) == FAMILY[-1].shape.int8_bytes


def test_the_page_holds_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """The table of the page is current; to mend it, write the command's output between the two comments."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition("<!-- edgener-export models -->\n")
    generated, _, _ = rest.partition("<!-- end -->")
    assert generated == guide()
    assert main(["models"]) == 0
    assert capsys.readouterr().out.startswith(generated)


def test_electra_with_its_projected_embeddings_is_exported_too(tmp_path: Path) -> None:
    config = AutoConfig.for_model(
        "electra",
        vocab_size=100,
        embedding_size=16,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=48,
        num_labels=5,
        attn_implementation="eager",
    )
    factory: Any = AutoModelForTokenClassification
    assert export_graph(factory.from_config(config).eval(), tmp_path / "model.onnx", max_tokens=40) < 1e-4


def test_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    rbt3 = next(model for model in record["models"] if model["name"] == "hfl/rbt3")
    assert rbt3["products_a_token"] == 21_233_664
    assert rbt3["estimated_milliseconds"]["Pi 4"] == pytest.approx(11.88, abs=0.01)
    assert rbt3["published_f1"] is None
    assert record["which"]["no"]["yes"]["yes"]["checkpoint"] == "hfl/minirbt-h288"
