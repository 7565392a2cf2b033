"""Teachers, which are bundles or torch models; their outputs are computed once and kept in files."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.utils import SAFE_WEIGHTS_NAME

from edgener.bundle import GRAPH, MANIFEST, TOKENIZER, describe_file, load_bundle
from edgener.session import Session
from edgener_export.checkpoint.classifier import is_bundle, load_classifier, tags_of, tokenizer_file
from edgener_export.errors import CheckpointError, RecipeError
from edgener_export.files.atomic import draft_of, take_room, writing
from edgener_export.recipe.settings import BF16, FP32
from edgener_export.training.batches import Batch, Example, pad
from edgener_export.training.hardware import hardware
from edgener_export.training.progress import Progress
from edgener_export.training.teacher_tags import StudentTags

SENTENCES_AT_ONCE = 16


class Lesson(NamedTuple):
    """The outputs of a teacher for a batch."""

    logits: NDArray[np.float32]
    """Shape [sentences, tokens, tags]."""
    hidden: tuple[NDArray[np.float32], ...]
    """Normalized hidden states [sentences, tokens, width] of each layer that was asked for."""


class Teacher(Protocol):
    """A model with the student's tokens and tags."""

    layers: int
    """The number of layers that show their hidden states."""
    width: int
    """The width of these states."""
    max_tokens: int
    """The tokens of the longest row that it reads."""
    identity: str
    """The digest of what it was loaded from, and its precision."""

    def __call__(self, batch: Batch, layers: Sequence[int], /) -> Lesson:
        """Return logits, and the hidden states of the layers with these numbers, counted from 1 at the bottom."""


class BundleTeacher:
    """A packed bundle: quick, but it shows its logits alone."""

    layers = width = 0

    def __init__(self, directory: Path, tokenizer: Path, tags: StudentTags) -> None:
        bundle = load_bundle(directory)
        _verify(directory, bundle.path(TOKENIZER), tokenizer)
        self._columns = tags.columns(directory, bundle.manifest.tags)
        self.identity = f"{describe_file(directory / MANIFEST).sha256} as packed{self._columns}"
        self.max_tokens = bundle.manifest.max_tokens
        self._session = Session(bundle.path(GRAPH), bundle.manifest, torch.get_num_threads())

    def __call__(self, batch: Batch, _layers: Sequence[int]) -> Lesson:
        return Lesson(self._columns(self._session(batch.ids.numpy(), batch.attention_mask.numpy())), ())


class ModelTeacher:
    """A torch model: also shows the hidden states of its layers."""

    def __init__(self, directory: Path, tokenizer: Path, tags: StudentTags, precision: str) -> None:
        model: Any = load_classifier(directory)
        _verify(directory, tokenizer_file(directory), tokenizer)
        self._columns = tags.columns(directory, tags_of(model))
        weights = directory / (MANIFEST if is_bundle(directory) else SAFE_WEIGHTS_NAME)
        self._in_bf16 = precision == BF16
        self.identity = f"{describe_file(weights).sha256} in {BF16 if self._in_bf16 else FP32}{self._columns}"
        self.model = model.eval().to(hardware().device)
        self.layers = int(model.config.num_hidden_layers)
        self.width = int(model.config.hidden_size)
        self.max_tokens = int(model.config.max_position_embeddings)

    def __call__(self, batch: Batch, layers: Sequence[int]) -> Lesson:
        device = hardware().device
        with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=self._in_bf16):
            output = self.model(
                input_ids=batch.ids.to(device),
                attention_mask=batch.attention_mask.to(device),
                output_hidden_states=bool(layers),
            )
            hidden = tuple(self._normalized(output.hidden_states[layer], layer) for layer in layers)
        return Lesson(self._columns(output.logits.float().cpu().numpy()), hidden)

    def _normalized(self, hidden: torch.Tensor, layer: int) -> NDArray[np.float32]:
        """Return states without the gain and bias of the layer's last normalization, which single channels dominate."""
        norm = self.model.base_model.encoder.layer[layer - 1].output.LayerNorm
        normalized: NDArray[np.float32] = ((hidden.float() - norm.bias) / norm.weight).cpu().numpy()
        return normalized


def log_of_mean_probability(logits: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return logits [..., tags] whose softmax is the mean of that of several logits."""
    log_probabilities = torch.stack([torch.from_numpy(each).log_softmax(dim=-1) for each in logits])
    mean: NDArray[np.float32] = (log_probabilities.logsumexp(dim=0) - math.log(len(logits))).numpy()
    return mean


def open_teacher(
    directory: Path,
    tokenizer: Path,
    tags: StudentTags,
    *,
    max_tokens: int = 0,
    shows_layers: bool = False,
    precision: str = "fp32",
) -> Teacher:
    """Return the teacher in a directory, as a torch model if it has to show its layers or is one.

    A torch model computes in bf16 if ``precision`` is ``bf16``, else in fp32. Raises CheckpointError if it has other
    tokens than the student, or other tags than it must have, or cannot read rows of ``max_tokens``.
    """
    teacher: Teacher
    if is_bundle(directory) and not shows_layers:
        teacher = BundleTeacher(directory, tokenizer, tags)
    else:
        teacher = ModelTeacher(directory, tokenizer, tags, precision)
    if max_tokens > teacher.max_tokens:
        raise CheckpointError(
            f"{directory}: reads rows of at most {teacher.max_tokens} tokens; model.max_tokens is {max_tokens} "
            "and must not be more"
        )
    return teacher


def with_teachers(
    examples: Sequence[Example], teachers: Sequence[Teacher], layers: Sequence[int], cache: Path, pad_id: int
) -> list[Example]:
    """Return the examples with the mean of the teachers' probabilities, and with the ``layers`` of the first.

    All of that is computed once and kept in the directory ``cache``, in a numbered directory for each teacher, whose
    files hold float16 [tokens of all examples, tags or width]; hidden states are mapped into memory, not read.
    Raises RecipeError where a directory belongs to other sentences or another teacher.
    """
    shown = [layers, *(() for _ in teachers[1:])]
    said = [
        _said(examples, teacher, layers, cache / str(number), pad_id)
        for number, (teacher, layers) in enumerate(zip(teachers, shown, strict=True), 1)
    ]
    ends = _ends(examples)
    return [
        replace(
            example,
            teacher=_mean([np.array(each.logits[start:end]) for each in said]),
            hidden=tuple(states[start:end] for states in said[0].hidden),
        )
        for example, (start, end) in zip(examples, itertools.pairwise([0, *ends]), strict=True)
    ]


class _Said(NamedTuple):
    """The outputs of a teacher for all examples, one after the other, as files that are mapped into memory."""

    logits: NDArray[np.float16]
    """Shape [tokens, tags]."""
    hidden: list[NDArray[np.float16]]
    """Hidden states [tokens, width] of each layer."""


def _said(examples: Sequence[Example], teacher: Teacher, layers: Sequence[int], cache: Path, pad_id: int) -> _Said:
    done = cache / "done.json"
    description = _description(examples, teacher, layers)
    if not done.exists():
        _write(examples, teacher, layers, cache, pad_id)
        with draft_of(done) as draft:
            draft.write_text(json.dumps(description))
    if json.loads(done.read_text()) != description:
        raise RecipeError(f"{cache}: belongs to other sentences or layers, or to another teacher; remove it")
    logits, *hidden = (np.load(cache / name, mmap_mode="r") for name in _file_names(layers))
    return _Said(logits, hidden)


def _description(examples: Sequence[Example], teacher: Teacher, layers: Sequence[int]) -> dict[str, object]:
    sentences = hashlib.sha256()
    for example in examples:
        sentences.update(example.ids.tobytes())
    return {"sentences": sentences.hexdigest(), "layers": list(layers), "teacher": teacher.identity}


def _file_names(layers: Sequence[int]) -> list[str]:
    return ["logits.npy", *(f"hidden-{layer}.npy" for layer in layers)]


def _mean(logits: Sequence[NDArray[np.float16]]) -> NDArray[np.float16]:
    if len(logits) == 1:
        return logits[0]
    return log_of_mean_probability([each.astype(np.float32) for each in logits]).astype(np.float16)


def _ends(examples: Sequence[Example]) -> list[int]:
    """Return the end of each example among the tokens of all."""
    return list(itertools.accumulate(len(example.ids) for example in examples))


def _verify(directory: Path, own: Path, tokenizer: Path) -> None:
    if not own.exists() or own.read_bytes() != tokenizer.read_bytes():
        raise CheckpointError(
            f"{directory}: its tokenizer is not the student's ({tokenizer}); "
            "a student learns token by token and needs the same vocabulary"
        )


def _write(examples: Sequence[Example], teacher: Teacher, layers: Sequence[int], cache: Path, pad_id: int) -> None:
    with writing(cache):
        cache.mkdir(parents=True, exist_ok=True)
    ends = _ends(examples)
    files: list[NDArray[np.float16]] = []
    order = sorted(range(len(examples)), key=lambda index: len(examples[index].ids))
    starts = range(0, len(order), SENTENCES_AT_ONCE)
    with Progress("teacher", len(starts), "batch") as progress:
        for start in starts:
            chosen = order[start : start + SENTENCES_AT_ONCE]
            lesson = teacher(pad([examples[index] for index in chosen], pad_id), layers)
            said = (lesson.logits, *lesson.hidden)
            files = files or [
                _map_file(cache / name, (ends[-1], values.shape[-1]))
                for name, values in zip(_file_names(layers), said, strict=True)
            ]
            for file, values in zip(files, said, strict=True):
                for row, index in zip(values, chosen, strict=True):
                    length = len(examples[index].ids)
                    file[ends[index] - length : ends[index]] = row[:length]
            progress.advance()
    for file in files:
        file.flush()  # type: ignore[attr-defined]


def _map_file(path: Path, shape: tuple[int, int]) -> NDArray[np.float16]:
    """Return a new array that is mapped to a file, with all of its room on the disk."""
    with writing(path):
        array: NDArray[np.float16] = np.lib.format.open_memmap(path, "w+", np.float16, shape)
        take_room(path)
    return array
