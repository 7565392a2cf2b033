"""A BERT whose embeddings know neighbouring characters: quality for memory, at hardly any computation.

Pairs of neighbouring tokens look up rows of one hashed table (Bojanowski et al., 2017, Enriching word vectors with
subword information; Svenstrup et al., 2017, Hash embeddings); narrow rows are projected to the model's width (Lan et
al., 2020, ALBERT).
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from transformers import BertConfig, BertForTokenClassification, PreTrainedModel

from edgener_export.errors import RecipeError
from edgener_export.recipe.settings import NgramSettings

NEW_TENSORS = tuple(f"bert.embeddings.{name}." for name in ("word_embeddings", "pair_embeddings", "projection"))
"""Prefixes of the names of tensors that are not those of the model that ngram embeddings are added to."""


class NgramEmbeddings(torch.nn.Module):
    """Takes the place of BERT's embeddings: token, pair with the left neighbour, pair with the right neighbour."""

    position_ids: torch.Tensor

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        settings = NgramSettings(**config.ngrams)
        self._pair_rows, self._vocabulary, self._pad_id = settings.pair_rows, config.vocab_size, config.pad_token_id
        self.word_embeddings = torch.nn.Embedding(config.vocab_size, settings.token_width, config.pad_token_id)
        self.pair_embeddings = torch.nn.Embedding(settings.pair_rows, settings.pair_width)
        self.projection = torch.nn.Linear(settings.token_width + 2 * settings.pair_width, config.hidden_size)
        self.position_embeddings = torch.nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type_embeddings = torch.nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = torch.nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.register_buffer("position_ids", torch.arange(config.max_position_embeddings)[None], persistent=False)

    def forward(
        self, input_ids: torch.Tensor, token_type_ids: torch.Tensor | None = None, **_unused: object
    ) -> torch.Tensor:
        """Return embeddings [sentences, tokens, width] of ids [sentences, tokens]."""
        pairs = self.pair_embeddings(self._pairs(input_ids))
        rows: torch.Tensor = torch.cat([self.word_embeddings(input_ids), pairs[:, :-1], pairs[:, 1:]], dim=-1)
        positions = self.position_embeddings(self.position_ids[:, : input_ids.shape[1]])
        types = self.token_type_embeddings(torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids)
        embedded: torch.Tensor = self.LayerNorm(self.projection(rows) + positions + types)
        return embedded

    def _pairs(self, ids: torch.Tensor) -> torch.Tensor:
        """Rows [sentences, tokens + 1] of the pairs around the tokens; beyond both ends there is padding."""
        padded = torch.nn.functional.pad(ids, (1, 1), value=self._pad_id)
        rows: torch.Tensor = (padded[:, :-1] * self._vocabulary + padded[:, 1:]) % self._pair_rows
        return rows


class NgramBertForTokenClassification(BertForTokenClassification):  # type: ignore[no-untyped-call]
    """Its configuration has ``ngrams``, the settings."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)  # type: ignore[no-untyped-call]
        embeddings: Any = NgramEmbeddings(config)
        self.bert.embeddings = embeddings
        self.post_init()  # type: ignore[no-untyped-call]


def verify_no_pairs(model: PreTrainedModel, setting: str, is_wanted: bool, remedy: str = "leave it out") -> None:
    """Raise RecipeError if a wanted setting would change the entries or the width of a model with ngram embeddings.

    Such a model finds the rows of pairs by the numbers of their entries, which must stay as they were in the training.
    """
    if is_wanted and hasattr(model.config, "ngrams"):
        raise RecipeError(
            f"{setting}: cannot be applied to a model that was trained with [model.ngrams], which knows pairs of "
            f"characters by the numbers of their entries; {remedy}, or apply it before that training"
        )


def with_ngrams(model: PreTrainedModel, settings: NgramSettings) -> PreTrainedModel:
    """The model with embeddings that start where its own were best approximated; pairs start without effect.

    The best approximation of a table by narrow rows and a projection is its truncated singular value decomposition
    (Eckart and Young, 1936).
    """
    config: Any = copy.deepcopy(model.config)
    config.ngrams = vars(settings)
    wide = NgramBertForTokenClassification(config)
    base: Any = model.base_model
    table = base.embeddings.word_embeddings.weight.detach()
    left, values, right = torch.linalg.svd(table, full_matrices=False)
    root = values[: settings.token_width].sqrt()
    state = {name: value for name, value in wide.state_dict().items() if name.startswith(NEW_TENSORS)}
    state |= {name: value for name, value in model.state_dict().items() if not name.startswith(NEW_TENSORS)}
    wide.load_state_dict(state)
    embeddings: Any = wide.bert.embeddings
    with torch.no_grad():
        embeddings.word_embeddings.weight.copy_(left[:, : settings.token_width] * root)
        embeddings.projection.weight.zero_()
        embeddings.projection.weight[:, : settings.token_width] = (right[: settings.token_width].T) * root
        embeddings.projection.bias.zero_()
        scale = float(embeddings.projection.weight.std())
        embeddings.projection.weight[:, settings.token_width :].normal_(std=scale)
        embeddings.pair_embeddings.weight.zero_()
    return wide
