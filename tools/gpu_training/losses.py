"""The losses of the training on a GPU, without a step that waits for the device."""

from __future__ import annotations

import torch
from torch.nn import functional

from edgener_export.training.adapt import MaskedLanguageHead, hide
from tools.gpu_training.encoder import Encoder
from tools.gpu_training.plan import LABEL_SMOOTHING, TEMPERATURE
from tools.gpu_training.rows import Rows

FIRST, SECOND, THIRD = 0.085, 0.7, 0.4
"""Chances that a token begins a hidden word, and that the word goes on to a second and a third one."""
GUESSED = 0.17
"""Share of the padded tokens that have room among the guesses."""
LEAST = 1e-6
"""The probability that fp16 rounds to zero."""


def tag_loss(
    model: Encoder,
    rows: Rows,
    numbers: torch.Tensor,
    tokens: int,
    hard: torch.Tensor,
    masked: float,
    mask_id: int,
    dropout: float,
) -> torch.Tensor:
    """Return the mean over the words of the batch: cross entropy with the labels, divergence from the probabilities.

    ``hard`` [kinds] is the share of the labels; ``masked`` the share of the tokens that are hidden.
    """
    drawn = rows.take(numbers, tokens)
    hidden = (torch.rand(drawn.ids.shape, device=rows.device) < masked) & drawn.is_word
    logits = model(drawn.ids.masked_fill(hidden, mask_id), drawn.present, dropout)
    words = drawn.is_word.float()
    kinds = rows.kind_of[numbers]
    share, tags = hard[kinds][:, None], rows.tags[drawn.places].long()
    log = logits.log_softmax(-1)
    right = -log.gather(-1, tags.clamp(min=0)[..., None])[..., 0]
    entropy = (1 - LABEL_SMOOTHING) * right - LABEL_SMOOTHING * log.mean(-1)
    loss = (entropy * share * words * (tags >= 0)).sum()
    if rows.soft is not None:
        teacher = (rows.soft[drawn.places].float().clamp(min=LEAST).log() / TEMPERATURE).log_softmax(-1)
        student = (logits / TEMPERATURE).log_softmax(-1)
        divergence = TEMPERATURE**2 * (teacher.exp() * (teacher - student)).sum(-1)
        loss = loss + (divergence * (1 - share) * words * rows.has_soft[kinds][:, None]).sum()
    mean: torch.Tensor = loss / words.sum()
    return mean


def hidden_word_head(model: Encoder) -> MaskedLanguageHead:
    """Return an untrained head that guesses the tokens of a model."""
    return MaskedLanguageHead(model.shape.width, model.word, epsilon=1e-5, deviation=0.02)


def hidden_word_loss(
    model: Encoder,
    head: MaskedLanguageHead,
    rows: Rows,
    numbers: torch.Tensor,
    tokens: int,
    mask_id: int,
    dropout: float,
) -> torch.Tensor:
    """Return the cross entropy of hidden tokens, one to three side by side (Joshi et al., 2020, SpanBERT)."""
    drawn = rows.take(numbers, tokens)
    first, second, third = (torch.rand(drawn.ids.shape, device=rows.device) for _ in range(3))
    begins = first < FIRST
    goes_on = functional.pad(begins[:, :-1], (1, 0)) & (second < SECOND)
    ends = functional.pad(goes_on[:, :-1], (1, 0)) & (third < THIRD)
    chosen = (begins | goes_on | ends) & drawn.is_word
    shown = hide(drawn.ids, chosen, mask_id, model.shape.vocabulary, rows.generator)
    places = torch.topk(chosen.flatten().float(), int(GUESSED * chosen.numel()), sorted=False).indices
    with torch.autocast(rows.device.type, dtype=torch.bfloat16):
        states = model.states(shown, drawn.present, dropout)
        logits = head(states.flatten(0, 1)[places], model.word.weight)
    losses = functional.cross_entropy(logits.float(), drawn.ids.flatten()[places], reduction="none")
    counted = chosen.flatten()[places].float()
    return (losses * counted).sum() / counted.sum().clamp(min=1)
