"""Measurements of one contender, or of one next to another."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from statistics import median

from edgener_export.corpus.sentence import Sentence
from tools.bench.agreement import quality
from tools.bench.client import Worker
from tools.bench.contenders import Contender
from tools.bench.environments import Environment, process_environment
from tools.bench.results import Latency, Memory, Quality, Rate, Start
from tools.bench.summary import Turns, percentile, take_turns

FIRST_SENTENCES = 100
SHORTEST_TURN_S = 1.0
"""Faster contenders go over the sentences several times in a turn."""
LENGTHS = (16, 32, 64, 128, 256, 510)
TEXTS_A_LENGTH = 20
FEWEST_RUNS = 20

StartWorker = Callable[[], Worker]


def measure_start(start: StartWorker, count: int) -> Start:
    """Medians over ``count`` processes, after one that brought the files into memory."""
    with start():
        pass
    workers = []
    for _ in range(count):
        with start() as worker:
            workers.append(worker)
    return Start(
        median(worker.first_answer_s for worker in workers),
        median(worker.import_s for worker in workers),
        median(worker.load_s for worker in workers),
    )


def measure_memory(start: StartWorker, sentences: Sequence[Sentence]) -> tuple[Memory, Quality]:
    """A process that is given one sentence, the first hundred, and all; what it found in all of them."""
    texts = [sentence.text for sentence in sentences]
    with start() as worker:
        first = worker.run(texts[:FIRST_SENTENCES], batched=True)
        answer = worker.run(texts, batched=True, wants_entities=True)
        memory = Memory(worker.peak_mb, first.peak_mb, answer.peak_mb, first.rss_mb, answer.rss_mb)
    return memory, quality(sentences, answer.entities)


def measure_latencies(start: StartWorker, sentences: Sequence[str], longest: int, seconds: float) -> list[Latency]:
    """One text at a time, each length for about ``seconds``."""
    latencies = []
    with start() as worker:
        for length in LENGTHS:
            if length > longest:
                break
            texts = texts_of_length(sentences, length)
            pass_s = sum(worker.run(texts, batched=False).seconds)
            passes = max(ceil(FEWEST_RUNS / len(texts)), round(seconds / pass_s))
            runs = worker.run(texts, batched=False, passes=passes).seconds
            p50, p95, p99 = (percentile(runs, percent) * 1000 for percent in (50, 95, 99))
            latencies.append(Latency(length, len(runs), p50, p95, p99))
    return latencies


def texts_of_length(sentences: Sequence[str], length: int) -> list[str]:
    """Running text of the sentences, cut after every ``length`` characters."""
    text = "".join(sentences)[: length * TEXTS_A_LENGTH]
    return [text[start : start + length] for start in range(0, len(text) - length + 1, length)]


def compare(
    start_reference: StartWorker, start: StartWorker, texts: Sequence[str], rounds: int, *, batched: bool
) -> Rate:
    """Speed of one, turn by turn with the reference."""
    with start_reference() as reference, start() as worker:
        turns = take_turns(_turn(reference, texts, batched), _turn(worker, texts, batched), rounds)
    return _rate(texts, turns)


def _turn(worker: Worker, texts: Sequence[str], batched: bool) -> Callable[[], float]:
    """Seconds of one pass, after a warm-up that decides how many passes make a turn."""
    warm_up = sum(worker.run(texts, batched=batched).seconds)
    passes = max(1, ceil(SHORTEST_TURN_S / warm_up))
    return lambda: sum(worker.run(texts, batched=batched, passes=passes).seconds) / passes


def _rate(texts: Sequence[str], turns: Turns) -> Rate:
    seconds = median(turns.theirs)
    return Rate(sum(map(len, texts)) / seconds, len(texts) / seconds, turns.ratio)


def streamed_characters_per_second(
    contender: Contender, environment: Environment, texts: Sequence[str], scratch: Path
) -> float:
    """All texts from a file through this project's command line into nothing, the start of the process included."""
    lines = scratch / "sentences.txt"
    lines.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    options = contender.options
    arguments = ["--model", options.bundle, "--threads", str(options.threads), "--file", str(lines)]
    began = time.perf_counter()
    subprocess.run(
        [str(environment.python), "-m", "edgener", *arguments],
        env=process_environment(contender),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return sum(map(len, texts)) / (time.perf_counter() - began)
