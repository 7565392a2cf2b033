"""Decoding of logits into spans by the best valid tag sequence, with a score for each span."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf

import numpy as np
from numpy.typing import NDArray

from edgener.tags import ScoredSpan, TagSet


def decode(logits: NDArray[np.float32], lengths: NDArray[np.intp], tag_set: TagSet) -> list[list[ScoredSpan]]:
    """Return the spans of each row, left to right and never overlapping.

    ``logits`` has the shape [rows, tokens, tags]; ``lengths`` [rows] says how many tokens of each row count.
    """
    favourites = logits.argmax(axis=-1).tolist()
    return [
        _decode_row(row[:length], tag_ids[:length], tag_set)
        for row, tag_ids, length in zip(logits, favourites, lengths.tolist(), strict=True)
    ]


def _decode_row(logits: NDArray[np.float32], favourites: list[int], tag_set: TagSet) -> list[ScoredSpan]:
    """Return the spans of logits [tokens, tags]; ``favourites`` [tokens] are the best tags, each for itself.

    Python's own numbers are used, since so few tokens of a row are part of a span that arrays would cost more.
    """
    if favourites.count(tag_set.outside) == len(favourites):
        return []
    tag_ids = favourites if tag_set.is_valid(favourites) else _viterbi(logits.tolist(), tag_set)
    return [
        ScoredSpan(span, _score(logits[span.start : span.end].tolist(), tag_ids[span.start : span.end]))
        for span in tag_set.spans(tag_ids)
    ]


def _viterbi(logits: Sequence[Sequence[float]], tag_set: TagSet) -> list[int]:
    """Return the best valid tag sequence (Viterbi, 1967, with forbidden transitions) of logits [tokens, tags]."""
    best = [logit if may_start else -inf for logit, may_start in zip(logits[0], tag_set.may_start, strict=True)]
    came_from: list[list[int]] = []
    for token_logits in logits[1:]:
        reached, sources = best.copy(), [0] * len(best)
        for befores, afters in tag_set.transitions:
            source = max(befores, key=best.__getitem__)
            for tag in afters:
                reached[tag] = best[source] + token_logits[tag]
                sources[tag] = source
        best = reached
        came_from.append(sources)
    tag_ids = [max(np.flatnonzero(tag_set.may_end).tolist(), key=best.__getitem__)]
    for sources in reversed(came_from):
        tag_ids.append(sources[tag_ids[-1]])
    return tag_ids[::-1]


def _score(logits: Sequence[Sequence[float]], tag_ids: Sequence[int]) -> float:
    """Return the mean softmax probability of one tag for each token of logits [tokens, tags]."""
    probabilities = []
    for token_logits, tag_id in zip(logits, tag_ids, strict=True):
        highest = max(token_logits)
        total = sum(exp(logit - highest) for logit in token_logits)
        probabilities.append(exp(token_logits[tag_id] - highest) / total)
    return sum(probabilities) / len(probabilities)
