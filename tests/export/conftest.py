"""A random model of the product's shape, but two layers of 32; and the tiny model of the tests, as it is made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForTokenClassification

from edgener_export.cli.main import main
from tools.make_tiny_bundle import write_inputs

TAGS = 5
VOCABULARY = 100


@pytest.fixture(scope="session")
def tiny_bert() -> Any:
    """Token types and biases that matter, which a fresh BERT does not have."""
    config = AutoConfig.for_model(
        "bert",
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=48,
        num_labels=TAGS,
        attn_implementation="eager",
    )
    torch.manual_seed(0)
    factory: Any = AutoModelForTokenClassification
    model = factory.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    model.eval()
    return model


@pytest.fixture(scope="session", autouse=True)
def one_thread_of_the_cpu() -> None:
    """Add sums in one order, in this process and in those that it starts, whatever the machine has."""
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["ACCELERATE_USE_CPU"] = "true"


@pytest.fixture(scope="session")
def build_tiny(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The arguments of ``edgener-export`` that build the tiny model, in half of its passes."""
    command = write_inputs(tmp_path_factory.mktemp("inputs"))
    recipe = Path(command[1])
    whole = recipe.read_text(encoding="utf-8")
    assert "epochs = 12\n" in whole
    recipe.write_text(whole.replace("epochs = 12\n", "epochs = 6\n"), encoding="utf-8")
    return command


@pytest.fixture(scope="session")
def tiny_run(build_tiny: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a finished run, with its bundle/."""
    run = tmp_path_factory.mktemp("run")
    assert main([*build_tiny, "--run", str(run)]) == 0
    return run
