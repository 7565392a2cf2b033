"""All rows of all kinds in flat arrays on the device, and batches of them that cost no copy from the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

UNLABELLED = -1
"""Tag of a token that nobody labelled."""
STEP = 8
"""Rows are padded to a multiple of this many tokens."""
LONGEST = 128
ROUND_TOKENS = 6_000_000
"""Tokens of a round, at most."""


class Drawn(NamedTuple):
    """Padded tensors of the shape [rows, tokens]."""

    ids: torch.Tensor
    present: torch.Tensor
    """False for padding."""
    is_word: torch.Tensor
    """False for padding, [CLS] and [SEP]."""
    places: torch.Tensor
    """Places of the tokens in the flat arrays; of padding, those of some other token."""


class Rows:
    """Rows of token ids with their tags, kind by kind."""

    def __init__(self, directory: Path, kinds: Sequence[str], pad_id: int, device: torch.device) -> None:
        """Read the files ``KIND.ids``, ``KIND.lengths`` and, unless a kind has no labels, ``KIND.tags``."""
        ids, lengths, tags, numbers = [], [], [], []
        for number, kind in enumerate(kinds):
            ids.append(np.fromfile(directory / f"{kind}.ids", np.uint16))
            lengths.append(np.fromfile(directory / f"{kind}.lengths", np.uint8))
            path = directory / f"{kind}.tags"
            tags.append(np.fromfile(path, np.int8) if path.exists() else np.full(len(ids[-1]), UNLABELLED, np.int8))
            numbers.append(np.full(len(lengths[-1]), number, np.int64))
        self.kinds, self.device, self._pad_id = list(kinds), device, pad_id
        self.generator = torch.Generator(device).manual_seed(0)
        self._ids = torch.from_numpy(np.concatenate(ids).astype(np.int16)).to(device)
        self.tags = torch.from_numpy(np.concatenate(tags)).to(device)
        self.lengths = torch.from_numpy(np.concatenate(lengths).astype(np.int64)).to(device)
        self.kind_of = torch.from_numpy(np.concatenate(numbers)).to(device)
        self._starts = torch.cumsum(self.lengths, 0) - self.lengths
        self.of_kind = {kind: (self.kind_of == number).nonzero()[:, 0] for number, kind in enumerate(kinds)}
        self.soft: torch.Tensor | None = None
        """Probabilities that are learned, fp16 [all tokens, tags]."""
        self.has_soft = torch.zeros(len(kinds), dtype=torch.bool, device=device)
        """The kinds for which there are such."""

    def take(self, rows: torch.Tensor, tokens: int) -> Drawn:
        """Return rows by their numbers, padded to a number of tokens."""
        position = torch.arange(tokens, device=self.device)
        lengths = self.lengths[rows][:, None]
        present = position < lengths
        places = (self._starts[rows][:, None] + position).clamp(max=len(self._ids) - 1)
        ids = torch.where(present, self._ids[places].long(), self._pad_id)
        return Drawn(ids, present, present & (position > 0) & (position < lengths - 1), places)

    def batches(self, rows: torch.Tensor, tokens: int) -> Iterator[tuple[torch.Tensor, int]]:
        """Yield rows of nearly the same length and the tokens that they are padded to, at most ``tokens`` a batch."""
        steps = (self.lengths[rows] + STEP - 1) // STEP
        ordered, start = rows[torch.argsort(steps, stable=True)], 0
        for step, count in enumerate(torch.bincount(steps, minlength=LONGEST // STEP + 1).tolist()):
            size = max(1, tokens // (STEP * max(1, step)))
            for first in range(start, start + count, size):
                yield ordered[first : min(first + size, start + count)], STEP * step
            start += count


class Mixture:
    """Endless batches whose tokens come from kinds of rows by their shares."""

    def __init__(self, rows: Rows, shares: Mapping[str, float], tokens: int, seed: int):
        """A batch has at most ``tokens``, a round some hundred batches, in which the shares hold."""
        self._rows, self._shares, self._tokens = rows, shares, tokens
        self._round_tokens = min(ROUND_TOKENS, 10 * len(rows.tags))
        self._generator = torch.Generator().manual_seed(seed)
        self._left = {kind: torch.empty(0, dtype=torch.int64, device=rows.device) for kind in shares}
        self._ready: list[tuple[torch.Tensor, int]] = []

    def draw(self) -> tuple[torch.Tensor, int]:
        """Return the numbers of the rows of the next batch and the tokens that they are padded to."""
        while not self._ready:
            chosen = torch.cat([self._of_kind(kind, share) for kind, share in self._shares.items()])
            batches = list(self._rows.batches(self._shuffled(chosen), self._tokens))
            order = torch.randperm(len(batches), generator=self._generator).tolist()
            self._ready = [batches[place] for place in order]
        return self._ready.pop()

    def _of_kind(self, kind: str, share: float) -> torch.Tensor:
        every = self._rows.of_kind[kind]
        wanted = max(1, int(share * self._round_tokens / float(self._rows.lengths[every].float().mean())))
        while len(self._left[kind]) < wanted:
            self._left[kind] = torch.cat([self._left[kind], self._shuffled(every)])
        chosen, self._left[kind] = self._left[kind][:wanted], self._left[kind][wanted:]
        return chosen

    def _shuffled(self, rows: torch.Tensor) -> torch.Tensor:
        return rows[torch.randperm(len(rows), generator=self._generator).to(rows.device)]


def write_rows(
    directory: Path, kind: str, ids: Sequence[NDArray[np.int64]], tags: Sequence[NDArray[np.int64]] | None
) -> int:
    """Write the files of a kind; return the number of tokens. Negative tags become UNLABELLED."""
    directory.mkdir(parents=True, exist_ok=True)
    np.concatenate(ids).astype(np.uint16).tofile(directory / f"{kind}.ids")
    np.array([len(row) for row in ids], np.uint8).tofile(directory / f"{kind}.lengths")
    if tags is not None:
        np.maximum(np.concatenate(tags), UNLABELLED).astype(np.int8).tofile(directory / f"{kind}.tags")
    return sum(map(len, ids))
