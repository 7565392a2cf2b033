"""Distillation (Hinton et al., 2015): a student learns a teacher's probabilities, on labelled and unlabelled text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from edgener.bundle import GRAPH, TOKENIZER, Bundle
from edgener.encode import Encoder
from edgener.session import Session
from edgener.tags import TagSet
from edgener_export.batches import IGNORED, Batch, Example, pad
from edgener_export.errors import CheckpointError, RecipeError
from edgener_export.finetune import FineTuner, FinetuneSettings


@dataclass(frozen=True)
class DistilSettings(FinetuneSettings):
    """The ``[distil]`` table of a recipe: what ``[finetune]`` knows, and the teacher."""

    teacher: str = ""
    """Directory of the teacher's bundle; relative to the recipe."""
    temperature: float = 2.0
    """Both distributions are softened by it."""
    hard_share: float = 0.3
    """How much of the loss the labels have, where there are any; the teacher has the rest."""
    unlabelled: str = ""
    """A file of texts, one a line, also .xz; relative to the recipe. Empty for labelled text alone."""
    unlabelled_sentences: int = 0
    """Only so many of its lines, evenly spread; 0 takes all."""


class Distiller(FineTuner):
    """A fine-tuner whose examples carry a teacher's logits."""

    _settings: DistilSettings

    def loss(self, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Divergence from the teacher over all words, mixed with the cross entropy where there are labels."""
        assert batch.teacher is not None
        soft = soft_loss(logits[batch.is_word], batch.teacher[batch.is_word], self._settings.temperature)
        labelled = (batch.tags != IGNORED).sum()
        if not labelled:
            return soft
        hard = super().loss(logits, batch) * labelled / batch.is_word.sum()
        return self._settings.hard_share * hard + (1 - self._settings.hard_share) * soft


def soft_loss(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Kullback-Leibler divergence of softened distributions [tokens, tags], scaled to the size of a hard loss."""
    return temperature**2 * torch.nn.functional.kl_div(
        (student / temperature).log_softmax(dim=-1),
        (teacher / temperature).log_softmax(dim=-1),
        reduction="batchmean",
        log_target=True,
    )


def verify_teacher(teacher: Bundle, tokenizer: Path, tag_set: TagSet) -> None:
    """Raise CheckpointError where teacher and student do not speak of the same tokens and tags."""
    if teacher.path(TOKENIZER).read_bytes() != tokenizer.read_bytes():
        raise CheckpointError(
            f"{teacher.directory}: its tokenizer is not the student's ({tokenizer}); "
            "a student learns token by token and needs the same vocabulary"
        )
    if teacher.manifest.tag_set != tag_set:
        raise CheckpointError(
            f"{teacher.directory}: its tags {list(teacher.manifest.tags)} are not the student's {list(tag_set.tags)}"
        )


def with_teacher(examples: Sequence[Example], teacher: Bundle, cache: Path, pad_id: int) -> list[Example]:
    """Examples with the teacher's logits, which are computed once and kept in ``cache``.

    The file holds float16 [tokens of all examples, tags]; it is mapped into memory, not read.
    """
    ends = np.cumsum([len(example.ids) for example in examples])
    if not cache.exists():
        _write_logits(examples, ends, teacher, cache, pad_id)
    logits: NDArray[np.float16] = np.load(cache, mmap_mode="r")
    if len(logits) != ends[-1]:
        raise RecipeError(f"{cache}: belongs to other sentences; remove it")
    return [
        replace(example, teacher=np.array(logits[end - len(example.ids) : end]))
        for example, end in zip(examples, ends, strict=True)
    ]


def unlabelled_examples(lines: Sequence[str], encoder: Encoder, max_tokens: int) -> Iterator[Example]:
    """Examples without labels; what is longer than a window is cut."""
    room = max_tokens - 2
    for encoding in encoder(lines):
        for start in range(0, len(encoding.ids), room):
            ids = np.concatenate([[encoder.start_id], encoding.ids[start : start + room], [encoder.end_id]])
            yield Example(ids, np.full(len(ids), IGNORED, dtype=np.int64))


def _write_logits(
    examples: Sequence[Example], ends: NDArray[np.int64], teacher: Bundle, cache: Path, pad_id: int
) -> None:
    session = Session(teacher.path(GRAPH), teacher.manifest, torch.get_num_threads())
    logits = np.zeros((int(ends[-1]), len(teacher.manifest.tags)), dtype=np.float16)
    order = sorted(range(len(examples)), key=lambda index: len(examples[index].ids))
    for start in tqdm(range(0, len(order), 16), disable=None, desc="teacher", unit="batch"):
        chosen = order[start : start + 16]
        batch = pad([examples[index] for index in chosen], pad_id)
        for row, index in zip(session(batch.ids.numpy(), batch.attention_mask.numpy()), chosen, strict=True):
            length = len(examples[index].ids)
            logits[ends[index] - length : ends[index]] = row[:length]
    unfinished = cache.with_suffix(".tmp")
    with unfinished.open("wb") as file:
        np.save(file, logits)
    unfinished.replace(cache)
