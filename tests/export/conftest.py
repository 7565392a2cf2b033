"""A random model of the product's shape, but two layers of 32."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForTokenClassification

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
