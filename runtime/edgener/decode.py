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
    tag_ids = logits.argmax(axis=-1)
    in_row = np.arange(logits.shape[1]) < lengths[:, None]
    invalid = ~_valid_rows(tag_ids, lengths, in_row, tag_set)
    if invalid.any():
        tag_ids[invalid] = _viterbi(logits[invalid], lengths[invalid], tag_set)
    has_entity = ((tag_ids != tag_set.tags.index("O")) & in_row).any(axis=1)
    decoded: list[list[ScoredSpan]] = [[] for _ in range(len(logits))]
    for row in np.flatnonzero(has_entity):
        length = lengths[row]
        probability = _probability(logits[row, :length], tag_ids[row, :length])
        decoded[row] = [
            ScoredSpan(span, float(probability[span.start : span.end].mean()))
            for span in tag_set.spans(tag_ids[row, :length])
        ]
    return decoded


def _valid_rows(
    tag_ids: NDArray[np.intp], lengths: NDArray[np.intp], in_row: NDArray[np.bool_], tag_set: TagSet
) -> NDArray[np.bool_]:
    """Rows whose tags already form a valid sequence: there argmax is what the search would find."""
    if tag_ids.shape[1] == 0:
        return np.ones(len(tag_ids), dtype=bool)
    steps = tag_set.allowed[tag_ids[:, :-1], tag_ids[:, 1:]] | ~in_row[:, 1:]
    last = np.maximum(lengths - 1, 0)
    ends = tag_set.may_end[tag_ids[np.arange(len(tag_ids)), last]]
    starts = tag_set.may_start[tag_ids[:, 0]]
    valid: NDArray[np.bool_] = (steps.all(axis=1) & starts & ends) | (lengths == 0)
    return valid


def _viterbi(logits: NDArray[np.float32], lengths: NDArray[np.intp], tag_set: TagSet) -> NDArray[np.intp]:
    """Highest-scoring valid tag sequences (Viterbi, 1967, with forbidden transitions), all rows at once."""
    rows, tokens, _ = logits.shape
    forbidden_step = np.where(tag_set.allowed, 0.0, -np.inf)
    best = np.where(tag_set.may_start, logits[:, 0], -np.inf).astype(np.float64)
    came_from = np.zeros(logits.shape, dtype=np.intp)
    final = best.copy()
    for token in range(1, tokens):
        through = best[:, :, None] + forbidden_step
        came_from[:, token] = through.argmax(axis=1)
        best = through.max(axis=1) + logits[:, token]
        final[lengths == token + 1] = best[lengths == token + 1]
    tag_ids = np.zeros((rows, tokens), dtype=np.intp)
    every_row = np.arange(rows)
    current = np.where(tag_set.may_end, final, -np.inf).argmax(axis=1)
    for token in range(tokens - 1, -1, -1):
        active = lengths > token
        tag_ids[active, token] = current[active]
        current = np.where(active, came_from[every_row, token, current], current)
    return tag_ids


def _probability(logits: NDArray[np.float32], tag_ids: NDArray[np.intp]) -> NDArray[np.float32]:
    """Softmax probability of the chosen tag of each token."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    exponent = np.exp(shifted)
    chosen = np.take_along_axis(exponent, tag_ids[:, None], axis=-1)[:, 0]
    probability: NDArray[np.float32] = chosen / exponent.sum(axis=-1)
    return probability
