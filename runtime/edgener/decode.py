"""Logits to spans: the best tag sequence among the valid ones, and how sure the model is of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgener.tags import Span, TagSet


class ScoredSpan(NamedTuple):
    """A span of tokens and the mean probability of its tags."""

    span: Span
    score: float


def decode(logits: NDArray[np.float32], lengths: NDArray[np.intp], tag_set: TagSet) -> list[list[ScoredSpan]]:
    """Spans of each row, left to right and never overlapping.

    ``logits`` has the shape [rows, tokens, tags]; ``lengths`` [rows] says how many tokens of each row count.
    """
    rows, tokens, _ = logits.shape
    between_outsides = np.full((rows, tokens + 2), tag_set.outside)
    tag_ids = between_outsides[:, 1:-1]
    np.copyto(tag_ids, logits.argmax(axis=-1), where=np.arange(tokens) < lengths[:, None])
    decoded: list[list[ScoredSpan]] = [[] for _ in range(rows)]
    if (tag_ids == tag_set.outside).all():
        return decoded
    is_valid = tag_set.allowed[between_outsides[:, :-1], between_outsides[:, 1:]].all(axis=1)
    if not is_valid.all():
        tag_ids[~is_valid] = _viterbi(logits[~is_valid], lengths[~is_valid], tag_set)
    in_entity = tag_ids != tag_set.outside
    probability = np.zeros(tag_ids.shape, dtype=np.float32)
    probability[in_entity] = _probability(logits[in_entity], tag_ids[in_entity])
    for row in np.flatnonzero(in_entity.any(axis=1)):
        probabilities = probability[row].tolist()
        decoded[row] = [
            ScoredSpan(span, sum(probabilities[span.start : span.end]) / (span.end - span.start))
            for span in tag_set.spans(tag_ids[row].tolist())
        ]
    return decoded


def _viterbi(row_logits: NDArray[np.float32], lengths: NDArray[np.intp], tag_set: TagSet) -> NDArray[np.intp]:
    """Highest-scoring valid tag sequences (Viterbi, 1967, with forbidden transitions), all rows at once.

    What follows a row is outside of any entity, so that the row must end as a sequence may.
    """
    rows, tokens, _ = row_logits.shape
    padding = np.arange(tokens) >= lengths[:, None]
    logits = row_logits.astype(np.float64)
    logits[padding] = -np.inf
    logits[padding, tag_set.outside] = 0
    forbidden_step = np.where(tag_set.allowed, 0.0, -np.inf)
    best = np.where(tag_set.may_start, logits[:, 0], -np.inf)
    came_from = np.zeros(logits.shape, dtype=np.intp)
    for token in range(1, tokens):
        through = best[:, :, None] + forbidden_step
        came_from[:, token] = through.argmax(axis=1)
        best = through.max(axis=1) + logits[:, token]
    tag_ids = np.empty((rows, tokens), dtype=np.intp)
    current = np.where(tag_set.may_end, best, -np.inf).argmax(axis=1)
    for token in range(tokens - 1, -1, -1):
        tag_ids[:, token] = current
        current = came_from[np.arange(rows), token, current]
    return tag_ids


def _probability(logits: NDArray[np.float32], tag_ids: NDArray[np.intp]) -> NDArray[np.float32]:
    """Softmax probability of the chosen tag of each token: ``logits`` [tokens, tags], ``tag_ids`` [tokens]."""
    exponent = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probability: NDArray[np.float32] = exponent[np.arange(len(tag_ids)), tag_ids] / exponent.sum(axis=-1)
    return probability
