"""Training that resumes at any step and ends with the very same weights: the schedule, the batches, the saved state."""

from __future__ import annotations

import itertools
import json
import pickle
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

import torch
from transformers import PreTrainedModel

from edgener_export.errors import CheckpointError
from edgener_export.files.atomic import append_line, draft_of, write_text
from edgener_export.recipe.bounds import verify_settings
from edgener_export.recipe.settings import BF16, FASTER, PRECISIONS, TrainSettings
from edgener_export.training.batches import Batch, Example, batch_groups, pad
from edgener_export.training.hardware import hardware
from edgener_export.training.kept_weights import BestWeights, StartWeights, WeightAverage
from edgener_export.training.metrics import FINAL_METRICS, METRICS, read_metrics
from edgener_export.training.optimizer import ScheduledAdamW, freeze, parameter_groups
from edgener_export.training.precision import choose_precision
from edgener_export.training.progress import Progress

FEWEST_SCORES = 4
"""Least number of times that a training is scored on development sentences, however few its steps are."""
TIMED_SENTENCES = 4
"""Sentences in the batch that a step of each precision is timed with."""


@dataclass
class _Place:
    """The place of a run in its epochs."""

    steps_per_epoch: int
    """The number of steps of the first epoch."""
    epoch: int
    first_step: int
    """Steps that were done when the epoch began."""


EpochExamples = Callable[[int], Sequence[Example]]
"""The examples of an epoch, by its number; the same number always gives the same."""

Measured = TypeVar("Measured")


class Trainer(ABC, Generic[Measured]):
    """One run in one directory: ``state.pt`` to resume from, ``metrics.jsonl`` with the training curve, and
    ``final-metrics.json`` with the figures of the weights at its end on all development examples.

    A kind of training says what its loss is, and how it measures the model on development examples.
    """

    title: ClassVar[str]
    """The name in front of the progress bar."""

    def __init__(
        self,
        model: PreTrainedModel,
        pad_id: int,
        settings: TrainSettings,
        directory: Path,
        companion: torch.nn.Module | None = None,
    ) -> None:
        """``companion`` holds parameters that the loss needs and the trained model does not."""
        self._model, self._pad_id, self._settings = model, pad_id, settings
        self._state_path = directory / "state.pt"
        self._metrics_path = directory / METRICS
        self._final_metrics_path = directory / FINAL_METRICS
        directory.mkdir(parents=True, exist_ok=True)
        verify_settings(settings)
        freeze(model, settings.frozen_layers)
        self._companion = companion or torch.nn.Module()
        self._hardware = hardware()
        for module in (model, self._companion):
            module.to(self._hardware.device)
        groups = parameter_groups(model, self._companion, settings.layer_decay)
        self._optimizer = ScheduledAdamW(groups, settings.learning_rate, settings.weight_decay, settings.warmup)
        self._best = BestWeights(settings.patience)
        self._average = WeightAverage(settings.average_last)
        self._start = StartWeights(model, settings.start_share)
        self._step = 0
        self._total = 1
        self._precision = settings.precision

    @abstractmethod
    def loss(self, batch: Batch, generator: torch.Generator) -> torch.Tensor:
        """Return the loss of a batch; all random numbers are drawn from ``generator``.

        Each batch of a step has a generator of its own: a resumed run draws the same as one that was never killed.
        """

    @abstractmethod
    def evaluate(self, examples: Sequence[Example]) -> Measured:
        """Measure the model on examples that it was not trained on."""

    @abstractmethod
    def curve(self, measured: Measured) -> dict[str, float]:
        """Return the figures of a measurement that the training curve keeps."""

    @abstractmethod
    def merit(self, measured: Measured) -> float:
        """Return one number that is the higher, the better the model is."""

    @property
    def progress(self) -> float:
        """The share of the training that is done, from 0 to 1."""
        return self._step / self._total

    def run(self, train: Sequence[Example] | EpochExamples, dev: Sequence[Example]) -> Measured:
        """Train to the end, from the last saved state if there is one; return the measurement of all ``dev`` examples.

        Epochs may differ in their examples. Steps are counted by the first one: the run ends after as many as if all
        epochs were like it.
        """
        settings = self._settings
        examples_of = lru_cache(maxsize=1)(train) if callable(train) else lambda _epoch: train
        place = self._resume() or self._first_place(examples_of(0))
        self._forget_later_scores()
        self._total = total = place.steps_per_epoch * settings.epochs
        done = self._step
        left = 0 if self._best.is_over else max(0, total - done)
        if left and self._precision == FASTER:
            self._choose_precision(examples_of(place.epoch))
        interval = min(settings.dev_every, -(-total // FEWEST_SCORES))
        saved = time.monotonic()
        with Progress(self.title, total, "step", done=done, shown=self._hardware.is_main) as progress:
            for group in itertools.islice(self._all_steps(examples_of, place), left):
                loss = self._train_step(group)
                self._average.add(self._model, self.progress)
                progress.advance(loss=f"{loss:.3f}")
                if self._step % interval == 0 or self._step == total:
                    measured = self.evaluate(dev[:: max(1, len(dev) // settings.dev_sentences)])
                    self._record(loss=loss, **self.curve(measured))
                    self._best.consider(self._model, self._agreed(self.merit(measured)))
                if self._best.is_over:
                    break
                if time.monotonic() - saved > settings.save_minutes * 60:
                    self._save(place)
                    saved = time.monotonic()
        if self._step > done:
            self._save(place)
        self._best.restore(self._model)
        self._average.restore(self._model)
        self._start.mix_into(self._model)
        measured = self.evaluate(dev)
        if self._hardware.is_main:
            write_text(self._final_metrics_path, json.dumps(_rounded(self.curve(measured))) + "\n")
        return measured

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._hardware.device.type, dtype=torch.bfloat16, enabled=self._precision == BF16)

    def _choose_precision(self, examples: Sequence[Example]) -> None:
        """Compute in the precision whose step is faster here; nothing of the model changes."""
        batch = pad(examples[:TIMED_SENTENCES], self._pad_id).to(self._hardware.device)

        def step(precision: str) -> float:
            self._precision = precision
            return float(self._gradients_of([batch]))

        choice = choose_precision(step)
        self._precision = PRECISIONS[round(self._agreed(PRECISIONS.index(choice.precision)))]
        if self._hardware.is_main:
            print(f"{self.title}: {choice}", file=sys.stderr, flush=True)

    def _steps(self, examples: Sequence[Example], epoch: int) -> list[list[list[int]]]:
        """Return which examples the batches of each optimizer step of an epoch hold."""
        settings = self._settings
        groups = batch_groups(examples, settings.tokens_per_batch, settings.seed + epoch)
        return [groups[start : start + settings.accumulate] for start in range(0, len(groups), settings.accumulate)]

    def _first_place(self, examples: Sequence[Example]) -> _Place:
        """Return the place of the run if no epoch differs from the one with ``examples``."""
        steps_per_epoch = len(self._steps(examples, 0))
        epoch = self._step // max(1, steps_per_epoch)
        return _Place(steps_per_epoch, epoch, epoch * steps_per_epoch)

    def _all_steps(self, examples_of: EpochExamples, place: _Place) -> Iterator[list[Batch]]:
        """Yield the steps that follow, one epoch after the other without end; ``place`` moves along."""
        while True:
            examples = examples_of(place.epoch)
            for groups in self._steps(examples, place.epoch)[self._step - place.first_step :]:
                yield [pad([examples[index] for index in group], self._pad_id) for group in groups]
            place.epoch, place.first_step = place.epoch + 1, self._step

    def _train_step(self, group: Sequence[Batch]) -> float:
        total = self._gradients_of(group)
        if self._hardware.processes > 1:
            self._hardware.add_up([total, *self._optimizer.gradients()])
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), self._settings.max_gradient_norm)
        self._optimizer.step(self._step, self._total)
        self._step += 1
        return float(total)

    def _gradients_of(self, group: Sequence[Batch]) -> torch.Tensor:
        """Leave the gradients of the batches' mean loss in the parameters; return this process's part of that loss."""
        self._optimizer.adamw.zero_grad()
        total = torch.zeros((), device=self._hardware.device)
        for number, batch in self._hardware.share(list(enumerate(group))):
            loss = self.loss(batch.to(self._hardware.device), self._generator(number)) / len(group)
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total

    def _generator(self, number: int) -> torch.Generator:
        """Return the generator of the batch with this number in the present step."""
        return torch.Generator().manual_seed(self._settings.seed * 1_000_003 + self._step + number * 2**40)

    def _agreed(self, merit: float) -> float:
        """Return the merit that the main process found: others may have rounded differently."""
        shared = torch.tensor([merit if self._hardware.is_main else 0.0], device=self._hardware.device)
        self._hardware.add_up([shared])
        return float(shared)

    def _record(self, **values: float) -> None:
        if not self._hardware.is_main:
            return
        line = {"step": self._step, "time": round(time.time()), **_rounded(values)}
        append_line(self._metrics_path, json.dumps(line))

    def _forget_later_scores(self) -> None:
        """Drop the scores that a killed training recorded after the state that this one goes on from."""
        if self._hardware.is_main and self._metrics_path.exists():
            kept = [record for record in read_metrics(self._metrics_path) if record["step"] <= self._step]
            write_text(self._metrics_path, "".join(f"{json.dumps(record)}\n" for record in kept))

    def _save(self, place: _Place) -> None:
        if not self._hardware.is_main:
            return
        state = {
            "step": self._step,
            "precision": self._precision,
            "place": asdict(place),
            "model": self._model.state_dict(),
            "companion": self._companion.state_dict(),
            "optimizer": self._optimizer.adamw.state_dict(),
            "best": self._best.state_dict(),
            "average": self._average.state_dict(),
        }
        with draft_of(self._state_path) as draft, draft.open("wb") as file:
            torch.save(state, file)  # given a path, it does not say why it could not be written

    def _resume(self) -> _Place | None:
        """Take up the saved state and return its place; None if there is none, or if all epochs were alike in it."""
        if not self._state_path.exists():
            return None
        try:
            state = torch.load(self._state_path, weights_only=True, map_location=self._hardware.device)
            self._model.load_state_dict(state["model"])
            self._companion.load_state_dict(state.get("companion", {}))
            self._optimizer.adamw.load_state_dict(state["optimizer"])
            for name, kept in (("best", self._best), ("average", self._average)):
                if name in state:
                    kept.load_state_dict(state[name])
        except (RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError) as error:
            raise CheckpointError(
                f"{self._state_path}: is no state of this recipe's model; name another --run, or remove it"
            ) from error
        self._step = int(state["step"])
        self._precision = state.get("precision", self._precision)
        return _Place(**state["place"]) if "place" in state else None


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in figures.items()}
