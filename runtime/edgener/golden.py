"""Golden cases: texts with the answers that the model gave on the host, which any device can check."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgener.dataclass_json import RecordError, from_plain, to_plain
from edgener.entity import Entity
from edgener.errors import ManifestError
from edgener.recognizer import Recognizer

SCORE_TOLERANCE = 0.1
"""Kernels of other processors round differently; a score may differ by this much, an entity not at all.

Between x86 with AVX-512 and Cortex-A72, 0.03 was seen at 12 layers."""


@dataclass(frozen=True)
class Case:
    """A text and what the model says about it."""

    text: str
    """What is recognized."""
    entities: tuple[Entity, ...]
    """The exact answer."""
    logits_sha256: str
    """Digest of the little-endian float32 logits of the text's windows, one after the other."""


@dataclass(frozen=True)
class Cases:
    """golden.json."""

    cases: tuple[Case, ...]
    """In no particular order."""


@dataclass(frozen=True)
class Outcome:
    """What came of one case."""

    case: Case
    found: tuple[Entity, ...]
    same_entities: bool
    """The same spans and labels, with scores within the tolerance."""
    same_logits: bool
    """Bit for bit."""


def record_cases(recognizer: Recognizer, texts: Iterable[str]) -> Cases:
    """The model's present answers, to be packed with it."""
    return Cases(tuple(Case(text, tuple(recognizer(text)), logits_digest(recognizer, text)) for text in texts))


def read_cases(path: Path) -> Sequence[Case]:
    """Cases of a golden.json; raises ManifestError where it is none."""
    try:
        return from_plain(Cases, json.loads(path.read_bytes())).cases
    except (RecordError, ValueError) as error:
        raise ManifestError(f"{path}: {error}") from error


def write_cases(cases: Cases, path: Path) -> None:
    """golden.json, with one byte sequence for the same cases."""
    path.write_text(json.dumps(to_plain(cases), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def check_case(recognizer: Recognizer, case: Case) -> Outcome:
    """Recognize the case's text again and compare."""
    found = tuple(recognizer(case.text))
    same_entities = len(found) == len(case.entities) and all(map(_agree, found, case.entities))
    return Outcome(case, found, same_entities, logits_digest(recognizer, case.text) == case.logits_sha256)


def logits_digest(recognizer: Recognizer, text: str) -> str:
    """SHA-256 of the logits of a text."""
    digest = hashlib.sha256()
    for logits in recognizer.logits(text):
        digest.update(logits.astype("<f4").tobytes())
    return digest.hexdigest()


def _agree(found: Entity, expected: Entity) -> bool:
    same_span = (found.start, found.end, found.label) == (expected.start, expected.end, expected.label)
    return same_span and abs(found.score - expected.score) <= SCORE_TOLERANCE
