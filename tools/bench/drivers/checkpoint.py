"""A directory that transformers can load, made of a bundle's tokenizer and labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, PreTrainedTokenizerFast

MAX_TOKENS = 512
PIPELINE_PREFIX = {"B": "B", "I": "I", "E": "I", "S": "B"}
"""The pipelines join B and I alone: ends belong to the inside, single tokens begin."""


def write_tokenizer(bundle: Path, directory: Path, max_tokens: int = MAX_TOKENS) -> None:
    """The bundle's tokenizer.json, with special tokens around each text, as transformers stores it."""
    fast = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    around = [(token, fast.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    fast.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=around)
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=fast,
        model_max_length=max_tokens,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
    )
    tokenizer.save_pretrained(directory)


def labels(bundle: Path) -> list[str]:
    """Names of the bundle's tags that the pipelines understand, in the order of the tags."""
    tags: list[str] = read_manifest(bundle)["tags"]
    return [f"{PIPELINE_PREFIX[tag[0]]}{tag[1:]}" if "-" in tag else tag for tag in tags]


def read_manifest(bundle: Path) -> dict[str, Any]:
    """manifest.json as it stands."""
    manifest: dict[str, Any] = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def bert_config(bundle: Path, **shape: int) -> BertConfig:
    """Return a BERT configuration of this shape with as many labels as the bundle has."""
    names = labels(bundle)
    config: BertConfig = BertConfig(  # type: ignore[no-untyped-call]
        id2label=dict(enumerate(names)), label2id={name: number for number, name in enumerate(names)}, **shape
    )
    return config
