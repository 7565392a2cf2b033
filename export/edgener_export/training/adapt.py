"""Continued pre-training on text without labels: whole words are hidden and guessed (Cui et al., 2021, Pre-training
with whole word masking for Chinese BERT)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedModel

from edgener.tokenizer import Encoder
from edgener_export.errors import RecipeError
from edgener_export.recipe.settings import AdaptSettings
from edgener_export.training.batches import Batch, Example, batches
from edgener_export.training.trainer import EpochExamples, Trainer
from edgener_export.training.unlabelled import read_texts, unlabelled_examples
from edgener_export.training.word_segmenter import words_of

SHOWN_AS_MASK, SHOWN_AS_ANY = 0.8, 0.1
"""Shares of the tokens to guess that are replaced by [MASK] and by a random token; the rest is shown as it is
(Devlin et al., 2019)."""


class AdaptText(NamedTuple):
    """The two parts of a text."""

    train: EpochExamples
    """Read and cut into words when it is first asked for: a finished run does without."""
    dev: list[Example]


class Guesses(NamedTuple):
    """The loss on hidden tokens that a model guessed."""

    loss: float
    """Cross entropy of a token, in nats."""
    tokens: int

    @property
    def perplexity(self) -> float:
        """The number of tokens among which a random guess would be as good."""
        return math.exp(self.loss)

    def __str__(self) -> str:
        return f"perplexity {self.perplexity:.2f} ({self.tokens} tokens)"


class MaskedLanguageHead(torch.nn.Module):
    """BERT's: a transform, then the token embeddings themselves, transposed, with a bias for each token.

    Where token embeddings are narrower than the model, the transform ends in their width (Lan et al., 2020, ALBERT).
    """

    def __init__(self, width: int, embeddings: torch.nn.Embedding, epsilon: float, deviation: float) -> None:
        """``width`` is that of the states; the weights of the transform begin with the standard ``deviation``."""
        super().__init__()
        torch.manual_seed(0)
        self.transform = torch.nn.Linear(width, embeddings.embedding_dim)
        self.norm = torch.nn.LayerNorm(embeddings.embedding_dim, eps=epsilon)
        self.bias = torch.nn.Parameter(torch.zeros(embeddings.num_embeddings))
        torch.nn.init.normal_(self.transform.weight, std=deviation)
        torch.nn.init.zeros_(self.transform.bias)

    def forward(self, states: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        """Return logits [tokens, vocabulary], given states [tokens, width] and the embedding table."""
        transformed = self.norm(torch.nn.functional.gelu(self.transform(states)))
        return torch.nn.functional.linear(transformed, table, self.bias)


class PreTrainer(Trainer[Guesses]):
    """Learns to guess hidden words from what surrounds them."""

    title = "adapt"
    _settings: AdaptSettings
    _companion: MaskedLanguageHead

    def __init__(
        self, model: PreTrainedModel, encoder: Encoder, mask_id: int, settings: AdaptSettings, directory: Path
    ) -> None:
        encoder_alone: Any = model.base_model
        embeddings: Any = model.get_input_embeddings()
        config = model.config
        head = MaskedLanguageHead(config.hidden_size, embeddings, config.layer_norm_eps, config.initializer_range)
        super().__init__(encoder_alone, encoder.pad_id, settings, directory, head)
        self._mask_id, self._vocabulary = mask_id, encoder.vocabulary_size

    def loss(self, batch: Batch, generator: torch.Generator) -> torch.Tensor:
        """Cross entropy averaged over the tokens to guess."""
        total, tokens = self._total_loss(batch, generator)
        return total / max(1, tokens)

    def evaluate(self, examples: Sequence[Example]) -> Guesses:
        """Always hides the same words of the same examples."""
        self._model.train(False)
        total, tokens = 0.0, 0
        with torch.inference_mode():
            for number, batch in enumerate(batches(examples, 4096, self._pad_id, None)):
                loss, guessed = self._total_loss(batch.to(self._hardware.device), torch.Generator().manual_seed(number))
                total, tokens = total + float(loss), tokens + guessed
        self._model.train()
        return Guesses(total / max(1, tokens), tokens)

    def curve(self, measured: Guesses) -> dict[str, float]:
        """Perplexity of hidden tokens."""
        return {"dev_perplexity": measured.perplexity}

    def merit(self, measured: Guesses) -> float:
        """Log-likelihood of a token."""
        return -measured.loss

    def _total_loss(self, batch: Batch, generator: torch.Generator) -> tuple[torch.Tensor, int]:
        """Return the sum over the tokens to guess, and their number."""
        chosen = whole_words(batch, self._settings.mask_probability, generator)
        shown = hide(batch.ids, chosen, self._mask_id, self._vocabulary, generator)
        with self._autocast():
            states = self._model(input_ids=shown, attention_mask=batch.attention_mask).last_hidden_state
            logits = self._companion(states[chosen], self._model.get_input_embeddings().weight)
        loss = torch.nn.functional.cross_entropy(logits.float(), batch.ids[chosen], reduction="sum")
        return loss, int(chosen.sum())


def whole_words(batch: Batch, probability: float, generator: torch.Generator) -> torch.Tensor:
    """Return which tokens are to be guessed, bool [sentences, tokens]: all or none of each word."""
    assert batch.words is not None
    draws = torch.rand(batch.ids.shape[0], int(batch.words.max()) + 1, generator=generator).to(batch.ids.device)
    return (draws.gather(1, batch.words) < probability) & batch.is_word


def hide(
    ids: torch.Tensor, chosen: torch.Tensor, mask_id: int, vocabulary: int, generator: torch.Generator
) -> torch.Tensor:
    """Return the tokens [sentences, tokens] that the model sees in place of ``ids``.

    The draws are made on the device of ``generator``.
    """
    device = generator.device
    draws = torch.rand(ids.shape, generator=generator, device=device).to(ids.device)
    others = torch.randint(vocabulary, ids.shape, generator=generator, device=device).to(ids.device)
    shown = ids.masked_fill(chosen & (draws < SHOWN_AS_MASK), mask_id)
    return torch.where(chosen & (draws >= 1 - SHOWN_AS_ANY), others, shown)


def read_adapt_text(path: Path, settings: AdaptSettings, encoder: Encoder, max_tokens: int) -> AdaptText:
    """The texts that a run learns from, and those that it is measured on.

    Raises RecipeError where there are too few for both.
    """
    texts = [text for text in read_texts(path, settings.sentences) if text]
    step = max(2, len(texts) // max(1, settings.dev_sentences))
    dev = texts[::step][: settings.dev_sentences]
    if not dev or len(texts) < 2:
        raise RecipeError(f"{path}: adapt needs texts to learn from and texts to measure on; it has {len(texts)}")
    last = (len(dev) - 1) * step

    @cache
    def train() -> list[Example]:
        learned = [text for place, text in enumerate(texts) if place % step or place > last]
        return list(unlabelled_examples(learned, encoder, max_tokens, words_of))

    return AdaptText(lambda _epoch: train(), list(unlabelled_examples(dev, encoder, max_tokens, words_of)))
