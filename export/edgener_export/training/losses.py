"""Losses between a student and its teacher: of probabilities, of relations of attention, and of attention scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

IMPOSSIBLE = -100.0
"""A logit, or the logarithm of a probability, that is as good as zero, and that float16 holds."""


def soft_loss(student: torch.Tensor, teacher: torch.Tensor, temperature: float, outside: int) -> torch.Tensor:
    """Return the Kullback-Leibler divergence of softened distributions [tokens, tags], as large as a hard loss.

    A tag for which the teacher has minus infinity is one that it cannot tell from the tag ``outside``: the student's
    probability of both together is compared (Cermelli et al., 2020, Modeling the background for incremental learning).
    """
    student_log = (student / temperature).log_softmax(dim=-1)
    teacher_log = (teacher / temperature).log_softmax(dim=-1)
    unknown = teacher.isneginf()
    if unknown.any():
        together = unknown.clone()
        together[:, outside] = True
        merged = student_log.masked_fill(~together, -math.inf).logsumexp(dim=-1)
        student_log = student_log.masked_fill(unknown, 0)
        student_log = student_log.index_copy(1, torch.tensor([outside], device=student.device), merged[:, None])
        teacher_log = teacher_log.masked_fill(unknown, IMPOSSIBLE)
    return temperature**2 * torch.nn.functional.kl_div(student_log, teacher_log, reduction="batchmean", log_target=True)


def relation_loss(student: torch.Tensor, teacher: torch.Tensor, present: torch.Tensor, heads: int) -> torch.Tensor:
    """Return the divergence of the student's relations from the teacher's, averaged over heads and tokens.

    ``student`` and ``teacher`` are queries, keys or values [sentences, tokens, width] of either width; ``present``
    [sentences, tokens] is False for padding. A relation is the softmax of a token's scaled dot products with all.
    """
    divergence = torch.nn.functional.kl_div(
        _relations(student, present, heads), _relations(teacher, present, heads), reduction="none", log_target=True
    )
    rows = divergence.masked_fill(~present[:, None, None], 0).sum(dim=-1)
    return rows.transpose(1, 2)[present].mean()


def map_loss(
    student: Sequence[torch.Tensor], teacher: Sequence[torch.Tensor], present: torch.Tensor, heads: int
) -> torch.Tensor:
    """Return the mean squared error of attention scores before the softmax, over all heads and pairs of tokens.

    ``student`` and ``teacher`` hold queries and keys [sentences, tokens, width] of either width.
    """
    pairs = (present[:, None, :, None] & present[:, None, None, :]).expand(-1, heads, -1, -1)
    scores = [_products(*(_split(values, heads) for values in model)) for model in (student, teacher)]
    return torch.nn.functional.mse_loss(scores[0][pairs], scores[1][pairs])


def _relations(values: torch.Tensor, present: torch.Tensor, heads: int) -> torch.Tensor:
    """Return log-probabilities [sentences, heads, tokens, tokens]."""
    split = _split(values, heads)
    scores = _products(split, split)
    return scores.masked_fill(~present[:, None, None], torch.finfo(scores.dtype).min).log_softmax(dim=-1)


def _split(values: torch.Tensor, heads: int) -> torch.Tensor:
    """Return the values of each head, [sentences, heads, tokens, width of a head]."""
    return values.reshape(*values.shape[:-1], heads, -1).transpose(1, 2)


def _products(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    return left @ right.transpose(-1, -2) / math.sqrt(left.shape[-1])
