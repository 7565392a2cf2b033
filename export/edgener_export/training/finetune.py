"""Fine-tuning of a BERT-family checkpoint for token classification (Devlin et al., 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from edgener.decode import decode
from edgener.tags import Span, TagSet
from edgener.tokenizer import Encoder
from edgener_export.evaluation.score import Score, score_spans
from edgener_export.recipe.settings import FinetuneSettings
from edgener_export.training.batches import IGNORED, Batch, Example, batches
from edgener_export.training.trainer import Trainer


@dataclass(frozen=True)
class Output:
    """The outputs of a model for a batch."""

    logits: torch.Tensor
    """Shape [sentences, tokens, tags], in fp32."""
    hidden_states: Sequence[torch.Tensor]
    """The embeddings' output and that of each layer [sentences, tokens, width], where the batch asks to match them."""


@dataclass(frozen=True)
class Learner:
    """A model that is to be trained, with its tokenizer and tags."""

    model: PreTrainedModel
    encoder: Encoder
    mask_id: int
    """The id of the [MASK] token."""
    tag_set: TagSet
    tag_weights: torch.Tensor | None = None
    """The weight of each tag in the loss on labels [tags]; None gives all tags the same."""
    unlabelled_types: tuple[str, ...] = ()
    """Types that nobody labelled in the sentences; scores do not count them."""


class FineTuner(Trainer[Score]):
    """Learns the tags of labelled sentences."""

    title = "fine-tune"
    _settings: FinetuneSettings

    def __init__(
        self,
        learner: Learner,
        settings: FinetuneSettings,
        directory: Path,
        companion: torch.nn.Module | None = None,
    ) -> None:
        super().__init__(learner.model, learner.encoder.pad_id, settings, directory, companion)
        self._learner = learner

    def evaluate(self, examples: Sequence[Example]) -> Score:
        """Return the score through the runtime's own decoding.

        As on the device, a window's names are those that start in its own part; names that no window shows whole are
        missed.
        """
        self._model.train(False)
        tag_set, unlabelled = self._learner.tag_set, self._learner.unlabelled_types
        pairs: list[tuple[list[Span], list[Span]]] = []
        with torch.inference_mode():
            for batch in batches(examples, 4096, self._pad_id, None):
                pairs += [([span], []) for span in batch.lost]
                logits = self._forward(batch.to(self._hardware.device)).logits.cpu().numpy()
                lengths = batch.attention_mask.sum(dim=1).numpy() - 2
                for tags, length, found in zip(
                    batch.tags.numpy(), lengths, decode(logits[:, 1:], lengths, tag_set), strict=True
                ):
                    is_own = tags[1 : length + 1] != IGNORED
                    expected = tag_set.spans(np.where(is_own, tags[1 : length + 1], tag_set.outside))
                    spans = (scored.span for scored in found if is_own[scored.span.start])
                    pairs.append((expected, [span for span in spans if span.label not in unlabelled]))
        self._model.train()
        return score_spans(pairs)

    def curve(self, measured: Score) -> dict[str, float]:
        """Return F1 in percent, under the name of its curve."""
        return {"dev_f1": measured.f1}

    def merit(self, measured: Score) -> float:
        """Return F1 in percent."""
        return measured.f1

    def loss(self, batch: Batch, generator: torch.Generator) -> torch.Tensor:
        """Return the loss of the model's output for the batch with some of its tokens hidden."""
        return self.loss_of(self._forward(self._hide_tokens(batch, generator)), batch)

    def loss_of(self, output: Output, batch: Batch) -> torch.Tensor:
        """Return the mean cross entropy of the logits [sentences, tokens, tags] over labelled tokens; 0 without any."""
        if not (batch.tags != IGNORED).any():
            return 0 * output.logits.sum()
        weights = self._learner.tag_weights
        if weights is not None:
            weights = weights.to(output.logits.device)
        return torch.nn.functional.cross_entropy(
            output.logits.flatten(0, 1), batch.tags.flatten(), weights, ignore_index=IGNORED
        )

    def _forward(self, batch: Batch) -> Output:
        with self._autocast():
            output = self._model(
                input_ids=batch.ids, attention_mask=batch.attention_mask, output_hidden_states=bool(batch.hidden)
            )
        return Output(output.logits.float(), output.hidden_states or ())

    def _hide_tokens(self, batch: Batch, generator: torch.Generator) -> Batch:
        hidden = torch.rand(batch.ids.shape, generator=generator) < self._settings.mask_probability
        visible = batch.is_word & ~hidden.to(batch.ids.device)
        return replace(batch, ids=batch.ids.where(visible | ~batch.is_word, self._learner.mask_id))
