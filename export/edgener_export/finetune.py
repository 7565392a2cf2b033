"""Fine-tuning of a BERT-family checkpoint for token classification (Devlin et al., 2019), resumable at any step."""

from __future__ import annotations

import itertools
import json
import pickle
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch
from tqdm import tqdm
from transformers import PreTrainedModel

from edgener.decode import decode
from edgener.encode import Encoder
from edgener.tags import Span, TagSet
from edgener_export.batches import IGNORED, Batch, Example, batches
from edgener_export.errors import CheckpointError
from edgener_export.score import Score, score_spans
from edgener_export.writing import append_line, draft_of


@dataclass(frozen=True)
class FinetuneSettings:
    """The ``[finetune]`` table of a recipe."""

    epochs: int = 4
    """Passes over the training sentences."""
    tokens_per_batch: int = 2048
    """Most tokens of one optimizer step, padding included."""
    learning_rate: float = 2e-4
    """Peak of the schedule: linear warm-up, then linear decay to zero."""
    warmup: float = 0.06
    """Share of all steps that the warm-up takes."""
    weight_decay: float = 0.01
    """AdamW's decoupled decay (Loshchilov and Hutter, 2019), not applied to biases and normalization."""
    mask_probability: float = 0.05
    """Share of the input tokens hidden behind [MASK], so that the context is learned and not the names alone."""
    max_gradient_norm: float = 1.0
    """Gradients are scaled down to this Euclidean norm."""
    frozen_layers: int = 0
    """The embeddings and this many layers from the bottom stay as they are; 0 trains everything."""
    precision: str = "bf16"
    """``bf16`` (mixed, weights stay fp32) or ``fp32``."""
    dev_every: int = 250
    """Steps between two scores on development sentences."""
    dev_sentences: int = 600
    """Development sentences of such a score; the last one takes all."""
    save_minutes: float = 4.0
    """Minutes between two saved states."""
    swap_probability: float = 0.0
    """Share of the names in a training sentence that become others of their type, otherwise in each epoch; 0 keeps all.
    For few labels, and for names that were never seen: see ``augment``."""
    swap_names: str = ""
    """A file of more names to swap in, a type, a tab and a name a line, also .xz; relative to the recipe."""
    swap_variants: int = 0
    """Epochs see so many differently swapped sets in turn, so that a teacher reads each once; 0: all are different."""
    seed: int = 1
    """Decides the order of the batches, the hidden tokens and the swapped names."""


@dataclass(frozen=True)
class Output:
    """What a model says of a batch."""

    logits: torch.Tensor
    """[sentences, tokens, tags], fp32"""
    hidden_states: Sequence[torch.Tensor]
    """The embeddings' output and that of each layer [sentences, tokens, width], where the batch asks to match them."""


@dataclass
class _Place:
    """Where in its epochs a run stands."""

    steps_per_epoch: int
    """Of the first epoch."""
    epoch: int
    first_step: int
    """Steps that were done when the epoch began."""


EpochExamples = Callable[[int], Sequence[Example]]
"""The examples of an epoch, by its number; the same number always gives the same."""


class FineTuner:
    """One run in one directory: ``state.pt`` to resume from, ``metrics.jsonl`` with the training curve."""

    def __init__(
        self,
        model: PreTrainedModel,
        encoder: Encoder,
        mask_id: int,
        tag_set: TagSet,
        settings: FinetuneSettings,
        directory: Path,
        matcher: torch.nn.Module | None = None,
    ) -> None:
        """``matcher`` holds parameters that the loss needs and the trained model does not."""
        self._model, self._encoder, self._tag_set, self._settings = model, encoder, tag_set, settings
        self._mask_id = mask_id
        self._state_path = directory / "state.pt"
        self._metrics_path = directory / "metrics.jsonl"
        directory.mkdir(parents=True, exist_ok=True)
        _freeze(model, settings.frozen_layers)
        self._matcher = matcher or torch.nn.Module()
        self._optimizer = torch.optim.AdamW(
            _parameter_groups([model, self._matcher], settings.weight_decay), lr=settings.learning_rate, fused=True
        )
        self._step = 0
        self._total = 1

    @property
    def progress(self) -> float:
        """How much of the training is done, from 0 to 1."""
        return self._step / self._total

    def run(self, train: Sequence[Example] | EpochExamples, dev: Sequence[Example]) -> Score:
        """Train to the end, from the last saved state where there is one; the score of all ``dev`` examples.

        Epochs may differ in their examples. Steps are counted by the first one: the run ends after as many as if all
        epochs were like it.
        """
        settings = self._settings
        examples_of = lru_cache(maxsize=1)(train) if callable(train) else lambda _epoch: train
        place = self._resume() or self._first_place(examples_of(0))
        self._total = total = place.steps_per_epoch * settings.epochs
        done = self._step
        saved = time.monotonic()
        with tqdm(total=total, initial=done, unit="step", disable=None, desc="fine-tune") as bar:
            for batch in itertools.islice(self._all_batches(examples_of, place), max(0, total - done)):
                loss = self._train_step(batch)
                bar.update()
                bar.set_postfix(loss=f"{loss:.3f}")
                if self._step % settings.dev_every == 0:
                    score = self.evaluate(dev[:: max(1, len(dev) // settings.dev_sentences)])
                    self._record(loss=loss, dev_f1=score.f1)
                if time.monotonic() - saved > settings.save_minutes * 60:
                    self._save(place)
                    saved = time.monotonic()
        if self._step > done:
            self._save(place)
        return self.evaluate(dev)

    def evaluate(self, examples: Sequence[Example]) -> Score:
        """Score through the runtime's own decoding."""
        self._model.train(False)
        pairs: list[tuple[list[Span], list[Span]]] = []
        with torch.inference_mode():
            for batch in batches(examples, 4096, self._encoder.pad_id, None):
                logits = self._forward(batch).logits.numpy()
                lengths = batch.attention_mask.sum(dim=1).numpy() - 2
                for tags, length, found in zip(
                    batch.tags.numpy(), lengths, decode(logits[:, 1:], lengths, self._tag_set), strict=True
                ):
                    pairs.append((self._tag_set.spans(tags[1 : length + 1]), [scored.span for scored in found]))
        self._model.train()
        return score_spans(pairs)

    def loss(self, output: Output, batch: Batch) -> torch.Tensor:
        """Cross entropy of the logits [sentences, tokens, tags] with the labels, averaged over labelled tokens."""
        return torch.nn.functional.cross_entropy(
            output.logits.flatten(0, 1), batch.tags.flatten(), ignore_index=IGNORED
        )

    def _batches(self, examples: Sequence[Example], epoch: int) -> Iterator[Batch]:
        settings = self._settings
        return batches(examples, settings.tokens_per_batch, self._encoder.pad_id, settings.seed + epoch)

    def _first_place(self, examples: Sequence[Example]) -> _Place:
        """Where the run stands if no epoch differs from the one with ``examples``."""
        steps_per_epoch = sum(1 for _ in self._batches(examples, 0))
        epoch = self._step // max(1, steps_per_epoch)
        return _Place(steps_per_epoch, epoch, epoch * steps_per_epoch)

    def _all_batches(self, examples_of: EpochExamples, place: _Place) -> Iterator[Batch]:
        """The batches that follow, one epoch after the other without end; ``place`` moves along."""
        while True:
            batches_of_epoch = self._batches(examples_of(place.epoch), place.epoch)
            yield from itertools.islice(batches_of_epoch, self._step - place.first_step, None)
            place.epoch, place.first_step = place.epoch + 1, self._step

    def _train_step(self, batch: Batch) -> float:
        settings = self._settings
        rate = settings.learning_rate * _schedule(self._step, self._total, settings.warmup)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        loss = self.loss(self._forward(self._hide_tokens(batch)), batch)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), settings.max_gradient_norm)
        self._optimizer.step()
        self._step += 1
        return float(loss.detach())

    def _forward(self, batch: Batch) -> Output:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._settings.precision == "bf16"):
            output = self._model(
                input_ids=batch.ids, attention_mask=batch.attention_mask, output_hidden_states=bool(batch.hidden)
            )
        return Output(output.logits.float(), output.hidden_states or ())

    def _hide_tokens(self, batch: Batch) -> Batch:
        """A generator of its own for each step: a resumed run hides the same tokens as one that was never killed."""
        generator = torch.Generator().manual_seed(self._settings.seed * 1_000_003 + self._step)
        hidden = torch.rand(batch.ids.shape, generator=generator) < self._settings.mask_probability
        visible = batch.is_word & ~hidden
        return replace(batch, ids=batch.ids.where(visible | ~batch.is_word, self._mask_id))

    def _record(self, **values: float) -> None:
        line = json.dumps(
            {"step": self._step, "time": round(time.time()), **{k: round(v, 4) for k, v in values.items()}}
        )
        append_line(self._metrics_path, line)

    def _save(self, place: _Place) -> None:
        state = {
            "step": self._step,
            "place": asdict(place),
            "model": self._model.state_dict(),
            "matcher": self._matcher.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        with draft_of(self._state_path) as draft, draft.open("wb") as file:
            torch.save(state, file)  # given a path, it does not say why it could not be written

    def _resume(self) -> _Place | None:
        """Take up the saved state; None where there is none, or one from when all epochs were alike."""
        if not self._state_path.exists():
            return None
        try:
            state = torch.load(self._state_path, weights_only=True)
            self._model.load_state_dict(state["model"])
            self._matcher.load_state_dict(state.get("matcher", {}))
            self._optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError) as error:
            raise CheckpointError(
                f"{self._state_path}: is no state of this recipe's model; name another --run, or remove it"
            ) from error
        self._step = int(state["step"])
        return _Place(**state["place"]) if "place" in state else None


def _schedule(step: int, total: int, warmup: float) -> float:
    warmup_steps = max(1, round(total * warmup))
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return (total - step) / max(1, total - warmup_steps)


def _freeze(model: PreTrainedModel, layers: int) -> None:
    if not layers:
        return
    frozen = ["embeddings.", *(f"encoder.layer.{number}." for number in range(layers))]
    for name, parameter in model.base_model.named_parameters():
        parameter.requires_grad = not name.startswith(tuple(frozen))


def _parameter_groups(modules: Iterable[torch.nn.Module], weight_decay: float) -> list[dict[str, object]]:
    trained = [parameter for module in modules for parameter in module.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
