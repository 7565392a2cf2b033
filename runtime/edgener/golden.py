"""Golden cases: texts with the answers that the model gave on the host, which any device can check."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgener.dataclass_json import RecordError, from_plain, to_plain
from edgener.entity import Entity
from edgener.errors import ManifestError
from edgener.recognizer import Recognizer

SCORE_TOLERANCE = 0.1
"""Kernels of other processors round differently; a score may differ by this much, an entity not at all.

It holds for the model's own scores, since a calibration stretches some differences and shrinks others.

Between x86 with AVX-512 and Cortex-A72, 0.03 was seen at 12 layers."""


@dataclass(frozen=True)
class Case:
    """A text and the answer that the model gave when it was packed."""

    text: str
    """The text that is recognized."""
    entities: tuple[Entity, ...]
    """The entities that were found, with exact scores."""
    logits_sha256: str
    """Digest of the little-endian float32 logits of the text's windows, one after the other."""


@dataclass(frozen=True)
class Cases:
    """The content of golden.json."""

    cases: tuple[Case, ...]
    """All cases; their order means nothing."""


@dataclass(frozen=True)
class Outcome:
    """The comparison of a case with the model's answer on this machine."""

    case: Case
    found: tuple[Entity, ...]
    same_entities: bool
    """True if spans and labels are the same and scores differ by no more than the tolerance."""
    same_logits: bool
    """True if the logits are the same bit for bit."""


def record_cases(recognizer: Recognizer, texts: Iterable[str]) -> Cases:
    """Return the model's present answers to texts, to be packed with it."""
    return Cases(tuple(Case(text, tuple(recognizer(text)), logits_digest(recognizer, text)) for text in texts))


def read_cases(path: Path) -> Sequence[Case]:
    """Return the cases of a golden.json; raise ManifestError where the file is none."""
    try:
        return from_plain(Cases, json.loads(path.read_bytes())).cases
    except (RecordError, ValueError, RecursionError) as error:
        raise ManifestError(f"{path}: {error}") from error


def write_cases(cases: Cases, path: Path) -> None:
    """Return the text of golden.json, which is the same for the same cases."""
    path.write_text(json.dumps(to_plain(cases), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def check_case(recognizer: Recognizer, case: Case) -> Outcome:
    """Recognize the case's text again and compare."""
    found = tuple(recognizer(case.text))
    same_logits = logits_digest(recognizer, case.text) == case.logits_sha256
    return Outcome(case, found, _are_same(recognizer, found, case.entities), same_logits)


def first_difference(recognizer: Recognizer, cases: Iterable[Case]) -> Case | None:
    """Return the first case in which the model finds other entities now, or None; logits are not compared."""
    return next(
        (case for case in cases if not _are_same(recognizer, recognizer(case.text), case.entities)),
        None,
    )


def logits_digest(recognizer: Recognizer, text: str) -> str:
    """Return the SHA-256 of the logits of a text."""
    digest = hashlib.sha256()
    for logits in recognizer.logits(text):
        digest.update(logits.astype("<f4").tobytes())
    return digest.hexdigest()


def _are_same(recognizer: Recognizer, found: Sequence[Entity], expected: Sequence[Entity]) -> bool:
    calibration = recognizer.manifest.calibration
    own = calibration.own if calibration else float
    return len(found) == len(expected) and all(
        _agree(one, other, own) for one, other in zip(found, expected, strict=True)
    )


def _agree(found: Entity, expected: Entity, own: Callable[[float], float]) -> bool:
    same_span = (found.start, found.end, found.label) == (expected.start, expected.end, expected.label)
    return same_span and abs(own(found.score) - own(expected.score)) <= SCORE_TOLERANCE
