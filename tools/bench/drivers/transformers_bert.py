"""torch in fp32 through the transformers pipeline, at the shape of RoBERTa-wwm-ext or RBT3, with random weights.

The classifier always says O, so that the pipeline has no entities to join.
"""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import BertForTokenClassification, pipeline

from tools.bench.contract import Options
from tools.bench.drivers.checkpoint import bert_config, labels, write_tokenizer
from tools.bench.drivers.pipeline import PipelineModel

OUTSIDE_BIAS = 100.0
VOCABULARY = 21128


def prepare(options: Options) -> None:
    """Write the checkpoint."""
    directory = _directory(options)
    if (directory / "model.safetensors").exists():
        return
    torch.manual_seed(0)
    bundle = Path(options.bundle)
    config = bert_config(bundle, vocab_size=VOCABULARY, num_hidden_layers=options.layers)
    model = BertForTokenClassification(config)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        model.classifier.bias[labels(bundle).index("O")] = OUTSIDE_BIAS
    write_tokenizer(bundle, directory)
    model.save_pretrained(directory)


def load(options: Options) -> PipelineModel:
    """The checkpoint."""
    torch.set_num_threads(options.threads)
    return PipelineModel(
        pipeline("token-classification", model=str(_directory(options)), aggregation_strategy="simple", device="cpu")
    )


def _directory(options: Options) -> Path:
    return Path(options.scratch) / f"bert-{options.layers}x768"
