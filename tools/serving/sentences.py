"""The texts that the service is asked for."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

SHORT = 16
"""Most characters of a short text."""


def read_sentences(path: Path) -> list[str]:
    """Return the lines of a text file, or the texts of JSON lines."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [json.loads(line)["text"] for line in lines] if path.suffix == ".jsonl" else lines


def short_texts(sentences: Sequence[str]) -> list[str]:
    """Return the clauses of sentences, none of them longer than SHORT."""
    clauses = [clause for sentence in sentences for clause in re.findall("[^，。！？；、]+[，。！？；、]?", sentence)]
    return [clause[:SHORT] for clause in clauses]


def endless(texts: Sequence[str], seed: int = 7) -> Iterator[str]:
    """Yield texts in random order, the same one each time, for ever."""
    draw = random.Random(seed)
    while True:
        yield from draw.sample(texts, len(texts))


def long_text(texts: Sequence[str], characters: int) -> str:
    """Return a text of so many characters."""
    return ("".join(texts) * (characters // sum(map(len, texts)) + 1))[:characters]
