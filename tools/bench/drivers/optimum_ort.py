"""Our own int8 graph through optimum's ORTModelForTokenClassification and the transformers pipeline."""

from __future__ import annotations

import shutil
from pathlib import Path

from onnxruntime import SessionOptions
from optimum.onnxruntime import ORTModelForTokenClassification
from transformers import AutoTokenizer, pipeline

from tools.bench.contract import Options
from tools.bench.drivers.checkpoint import bert_config, read_manifest, write_tokenizer
from tools.bench.drivers.pipeline import PipelineModel

GRAPH_FILES = ("model.onnx", "model.onnx.data")


def prepare(options: Options) -> None:
    """Write the graph, its labels and its tokenizer in transformers' form."""
    directory, bundle = _directory(options), Path(options.bundle)
    write_tokenizer(bundle, directory, read_manifest(bundle)["max_tokens"])
    bert_config(bundle).save_pretrained(directory)
    for name in GRAPH_FILES:
        shutil.copyfile(bundle / name, directory / name)


def load(options: Options) -> PipelineModel:
    """The graph, optimized further by onnxruntime as it likes."""
    session_options = SessionOptions()
    session_options.intra_op_num_threads = options.threads
    directory = _directory(options)
    model = ORTModelForTokenClassification.from_pretrained(directory, session_options=session_options)
    tokenizer = AutoTokenizer.from_pretrained(directory)  # type: ignore[no-untyped-call]
    return PipelineModel(
        pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="simple")
    )


def _directory(options: Options) -> Path:
    return Path(options.scratch) / "optimum"
