"""A fine-tuner of a model with one narrow layer, in this process; and one that is killed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForTokenClassification

from edgener.bundle import TOKENIZER
from edgener.tags import TagSet
from edgener.tokenizer import Encoder
from edgener_export.corpus.name_swap import NameSwapper
from edgener_export.corpus.reading import read_labelled
from edgener_export.corpus.sentence import Sentence
from edgener_export.recipe.settings import FinetuneSettings
from edgener_export.training.batches import Batch, Example, encode_sentences
from edgener_export.training.finetune import FineTuner, Learner
from tests.support import TINY_BUNDLE, TINY_TEST

KILLED_AT = 7


class Killed(FineTuner):
    """Stops like a process that is killed: nothing is saved any more."""

    def _train_step(self, group: Sequence[Batch]) -> float:
        if self._step == KILLED_AT:
            raise KeyboardInterrupt
        return super()._train_step(group)


class TinyTuner:
    """A tiny model, and examples of which no two epochs have equally many batches."""

    def __init__(self, **settings: Any) -> None:
        corpus = read_labelled(TINY_TEST).sentences[:12]
        self.encoder = Encoder(TINY_BUNDLE / TOKENIZER)
        self.tag_set = TagSet.of("BIO", sorted({span.label for sentence in corpus for span in sentence.spans}))
        plain = {"epochs": 4, "tokens_per_batch": 200, "precision": "fp32", "dev_every": 1000, "save_minutes": 0.0}
        self.settings = FinetuneSettings(**{**plain, "mask_probability": 0.1, **settings})
        swapper = NameSwapper(corpus, 0.9, 1)
        self.swapped: Callable[[int], list[Example]] = lambda epoch: self.encode(swapper.epoch(epoch)[: 12 - 3 * epoch])
        self.constant = self.encode(corpus)

    def encode(self, corpus: list[Sentence]) -> list[Example]:
        return encode_sentences(corpus, self.encoder, self.tag_set, 64)

    def open(
        self,
        directory: Path,
        kind: type[FineTuner] = FineTuner,
        weights: torch.Tensor | None = None,
        *,
        num_hidden_layers: int = 1,
        seed: int = 0,
    ) -> tuple[FineTuner, Any]:
        """Return a tuner in a directory, and its model, which is the same for the same ``seed``."""
        config = AutoConfig.for_model(
            "bert",
            vocab_size=self.encoder.vocabulary_size,
            hidden_size=16,
            num_hidden_layers=num_hidden_layers,
            num_attention_heads=2,
            intermediate_size=32,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            id2label=dict(enumerate(self.tag_set.tags)),
            label2id={tag: number for number, tag in enumerate(self.tag_set.tags)},
        )
        torch.manual_seed(seed)
        factory: Any = AutoModelForTokenClassification
        model = factory.from_config(config)
        learner = Learner(model, self.encoder, 4, self.tag_set, weights)
        return kind(learner, self.settings, directory), model
