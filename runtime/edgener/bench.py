"""Measures how fast the recognizer is on this machine and how much memory it takes."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgener.process_stat import process_age
from edgener.recognizer import Recognizer

SENTENCE = "王小明昨天在北京大学见到了联合国的代表，他们谈到长江的水情和今后的计划，"
LENGTHS = (16, 32, 64, 128)
"""Code points of the texts whose latency is measured; Chinese text has one token each."""
FEWEST_RUNS = 20
STREAM_TEXTS = 64


@dataclass(frozen=True)
class Latency:
    """The time that texts of one length take, each recognized alone."""

    code_points: int
    """Length of the texts."""
    runs: int
    """Number of texts that were timed."""
    p50_ms: float
    """Half of the runs took no longer."""
    p95_ms: float
    """95% of them took no longer."""
    p99_ms: float
    """99% of them took no longer."""


@dataclass(frozen=True)
class Measurement:
    """The result of a measurement."""

    model: str
    """Name of the model."""
    threads: int
    """Number of threads that computed one batch together."""
    start_to_answer_s: float
    """Seconds from the start of the process to the first answer."""
    load_s: float
    """Seconds of these for reading, checking and preparing the model."""
    first_answer_ms: float
    """Milliseconds of these for the first text."""
    latencies: tuple[Latency, ...]
    """One latency for each of LENGTHS."""
    characters_per_second: float
    """Throughput of many texts of mixed length, in batches."""
    peak_rss_one_text_mb: float
    """Largest memory of the process until the first answer."""
    peak_rss_mb: float
    """Largest memory of the process until the end."""


def measure(path: Path, threads: int, seconds: float) -> Measurement:
    """Measure the model in the directory ``path`` for about ``seconds``, an equal share for each part.

    Raises a BundleError where the model cannot be loaded, UsageError where ``threads`` is less than 1.
    """
    began = time.monotonic()
    recognizer = Recognizer.load(path, threads=threads)
    loaded = time.monotonic()
    recognizer(SENTENCE[:16])
    answered = time.monotonic()
    start_to_answer = process_age()
    one_text = _peak_rss_mb()
    share = seconds / (len(LENGTHS) + 1)
    latencies = tuple(_latency(recognizer, length, share) for length in LENGTHS)
    texts = [_text(length) for length in LENGTHS] * (STREAM_TEXTS // len(LENGTHS))
    return Measurement(
        model=recognizer.manifest.name,
        threads=threads,
        start_to_answer_s=start_to_answer,
        load_s=loaded - began,
        first_answer_ms=(answered - loaded) * 1000,
        latencies=latencies,
        characters_per_second=_characters_per_second(recognizer, texts, share),
        peak_rss_one_text_mb=one_text,
        peak_rss_mb=_peak_rss_mb(),
    )


def _latency(recognizer: Recognizer, length: int, seconds: float) -> Latency:
    text = _text(length)
    runs: list[float] = []
    recognizer(text)
    until = time.monotonic() + seconds
    while len(runs) < FEWEST_RUNS or time.monotonic() < until:
        began = time.perf_counter()
        recognizer(text)
        runs.append((time.perf_counter() - began) * 1000)
    runs.sort()
    return Latency(length, len(runs), *(_percentile(runs, percent) for percent in (50, 95, 99)))


def _characters_per_second(recognizer: Recognizer, texts: Sequence[str], seconds: float) -> float:
    began = time.monotonic()
    characters = 0
    while not characters or time.monotonic() - began < seconds:
        for _ in recognizer.batch(texts):
            pass
        characters += sum(map(len, texts))
    return characters / (time.monotonic() - began)


def _percentile(ascending: Sequence[float], percent: int) -> float:
    return ascending[min(len(ascending) - 1, len(ascending) * percent // 100)]


def _text(length: int) -> str:
    return (SENTENCE * (length // len(SENTENCE) + 1))[: length - 1] + "。"


def _peak_rss_mb() -> float:
    """Return the largest memory of this program; getrusage(2) may give that of the program which started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"^VmHWM:\s*(\d+) kB", status, re.M)
    return int(found[1]) / 1024 if found else 0.0
