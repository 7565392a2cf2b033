"""The teacher, then the students, each for a share of the time."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from edgener.tags import TagSet
from edgener_export.evaluation.score import score_spans
from tools.gpu_training import plan
from tools.gpu_training.encoder import Encoder, load_encoder, save_encoder
from tools.gpu_training.losses import hidden_word_head, hidden_word_loss, tag_loss
from tools.gpu_training.rows import Mixture, Rows

READ_TOKENS = 65_536
"""Tokens in a batch that nothing learns from."""
WAIT_EVERY = 20
"""Steps after which the host waits for the device, so that the clock is the device's."""


class Run:
    """One run over the rows in a directory, within a number of seconds."""

    def __init__(self, directory: Path, tag_set: TagSet, pad_id: int, mask_id: int, device: torch.device) -> None:
        self._directory, self._tag_set, self._mask_id, self._device = directory, tag_set, mask_id, device
        kinds = [*plan.LEARNED, plan.TEXT, plan.DEV]
        self._rows = Rows(directory, [kind for kind in kinds if (directory / f"{kind}.ids").exists()], pad_id, device)
        self._models = {
            name: load_encoder(directory / f"{name}.safetensors", device) for name in (plan.TEACHER, *plan.STUDENTS)
        }
        if device.type == "cuda":
            for model in self._models.values():
                model.compile_layers()

    def train(self, seconds: float, output: Path) -> None:
        """Train the teacher and the students, and write each to ``output`` when it is done."""
        end = time.monotonic() + seconds
        output.mkdir(parents=True, exist_ok=True)
        first = {self._models[name]: weight for name, weight in plan.FIRST_TEACHERS.items()}
        self._read(first, [plan.CORPUS])
        self._read({self._models["small"]: 0.5, self._models["base"]: 0.5}, plan.LEARNED[1:])
        teacher = self._models[plan.TEACHER]
        self._learn(plan.TEACHER, plan.TEACHER_SHARES, plan.TEACHER_HARD, plan.TEACHER_TIME * seconds, flat=0.4)
        save_encoder(teacher, output / f"{plan.TEACHER}.safetensors")
        self._read({teacher: 1.0}, plan.LEARNED, kept=plan.KEPT)
        self._read({teacher: 1 - plan.SECOND_OF_TEXT, self._models["small"]: plan.SECOND_OF_TEXT}, [plan.TEXT])
        left = end - time.monotonic()
        for name in plan.STUDENTS:
            self._learn(name, plan.STUDENT_SHARES, plan.STUDENT_HARD, plan.STUDENT_TIMES[name] * left, flat=0.25)
            save_encoder(self._models[name], output / f"{name}.safetensors")

    def f1(self, model: Encoder) -> float:
        """Return F1 of exact spans on the development rows, in percent, of each token's best tag alone."""
        rows, pairs = self._rows, []
        with torch.inference_mode():
            for numbers, tokens in rows.batches(rows.of_kind[plan.DEV], READ_TOKENS):
                drawn = rows.take(numbers, tokens)
                found, right = model(drawn.ids, drawn.present).argmax(-1).cpu(), rows.tags[drawn.places].cpu()
                for ours, gold, words in zip(found.numpy(), right.numpy(), drawn.is_word.cpu().numpy(), strict=True):
                    pairs.append((self._tag_set.spans(gold[words].clip(0)), self._tag_set.spans(ours[words])))
        return score_spans(pairs).f1

    def _read(self, models: Mapping[Encoder, float], kinds: Sequence[str], kept: float = 0.0) -> None:
        """Keep the weighted mean of the models' probabilities; ``kept`` is the share of those that are there."""
        rows = self._rows
        if rows.soft is None:
            tags = next(iter(models)).shape.tags
            rows.soft = torch.zeros(len(rows.tags), tags, dtype=torch.float16, device=self._device)
        for kind in (kind for kind in kinds if kind in rows.kinds):
            number = rows.kinds.index(kind)
            old = kept if bool(rows.has_soft[number]) else 0.0
            for numbers, tokens in rows.batches(rows.of_kind[kind], READ_TOKENS):
                drawn = rows.take(numbers, tokens)
                with torch.no_grad():
                    parts = [weight * model(drawn.ids, drawn.present).softmax(-1) for model, weight in models.items()]
                mean, places = torch.stack(parts).sum(0)[drawn.present], drawn.places[drawn.present]
                rows.soft[places] = ((1 - old) * mean + old * rows.soft[places].float()).half()
            rows.has_soft[number] = True

    def _learn(
        self, name: str, shares: Mapping[str, float], hard: Mapping[str, float], seconds: float, flat: float
    ) -> None:
        """Train one model; the learning rate is level for the share ``flat`` of the time, then falls to zero."""
        model, rows = self._models[name], self._rows
        of_text = Mixture(rows, _present(plan.HIDDEN_WORD_SHARES, rows), plan.TOKENS[name], seed=2)
        tagged = Mixture(rows, _present(shares, rows), plan.TOKENS[name], seed=1)
        head = hidden_word_head(model).to(self._device) if name == plan.TEACHER else None
        dropout = plan.DROPOUT if head else 0.0
        shares_of_labels = torch.tensor([hard.get(kind, 0.0) for kind in rows.kinds], device=self._device)
        optimizer = _optimizer([model, head] if head else [model])
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        start, end, steps, loss = time.monotonic(), time.monotonic() + seconds, 0, torch.zeros(())
        while (now := time.monotonic()) < end:
            done = (now - start) / seconds
            for group in optimizer.param_groups:
                group["lr"] = plan.RATES[name] * _rate(done, flat)
            loss = tag_loss(model, rows, *tagged.draw(), shares_of_labels, plan.MASKED[name], self._mask_id, dropout)
            loss.backward()  # type: ignore[no-untyped-call]
            if head and done < plan.HIDDEN_WORDS_UNTIL:
                guesses = hidden_word_loss(model, head, rows, *of_text.draw(), self._mask_id, dropout)
                (plan.HIDDEN_WORDS_WEIGHT * guesses).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            steps += 1
            if steps % WAIT_EVERY == 0 and not math.isfinite(float(loss.detach())):
                raise SystemExit(f"{name}: the loss is not finite after {steps} steps; give it a lower rate in plan.py")
        print(
            f"{name}: {steps} steps in {seconds:.0f} s, loss {float(loss.detach()):.3f}, dev F1 {self.f1(model):.2f}",
            flush=True,
        )


def _present(shares: Mapping[str, float], rows: Rows) -> dict[str, float]:
    """Return the shares of the kinds that there are, whose sum is one again."""
    there = {kind: share for kind, share in shares.items() if kind in rows.kinds}
    return {kind: share / sum(there.values()) for kind, share in there.items()}


def _optimizer(modules: Sequence[nn.Module]) -> torch.optim.AdamW:
    parameters = [parameter for module in modules for parameter in module.parameters()]
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.01},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-6, fused=True)


def _rate(done: float, flat: float, warmup: float = 0.03) -> float:
    """Return the share of the peak learning rate."""
    return min(1.0, done / warmup) if done < flat else (1 - done) / (1 - flat)
