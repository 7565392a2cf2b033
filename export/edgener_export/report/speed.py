"""Speed of several models, one against the other, on one thread.

In processor time, which does not count how long other programs made this one wait.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from tqdm import tqdm

from edgener import Recognizer

ROUNDS = 5


class Speed(NamedTuple):
    """The speed of one model."""

    characters_per_second: float
    """Processor time per sentence in batches, the median of the rounds."""
    milliseconds: float
    """Processor time of one text alone, the median of all texts and rounds."""


def measure_speeds(recognizers: Sequence[Recognizer], texts: Sequence[str]) -> list[Speed]:
    """Take turns, so that what else the machine does to its caches and clocks concerns all of them alike."""
    rates: list[list[float]] = [[] for _ in recognizers]
    alone: list[list[float]] = [[] for _ in recognizers]
    characters = sum(map(len, texts))
    for recognizer in recognizers:
        recognizer(texts[0])
    for _ in tqdm(range(ROUNDS), disable=None, desc="speed"):
        for number, recognizer in enumerate(recognizers):
            began = time.process_time()
            for _ in recognizer.batch(texts):
                pass
            rates[number].append(characters / (time.process_time() - began))
            alone[number].extend(_milliseconds(recognizer, text) for text in texts)
    return [Speed(median(rate), median(times)) for rate, times in zip(rates, alone, strict=True)]


def _milliseconds(recognizer: Recognizer, text: str) -> float:
    began = time.process_time()
    recognizer(text)
    return (time.process_time() - began) * 1000
