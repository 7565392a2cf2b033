"""Compare a build's answers on the device's processor with the host's: entities one by one, logits bit by bit."""

from __future__ import annotations

import bisect
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import edgener
from edgener.bundle import GOLDEN
from edgener.errors import InputError
from edgener.golden import Case, read_cases
from edgener.token_windows import SPECIAL_TOKENS
from edgener_edge.devices import find_device
from edgener_edge.errors import ArtifactError, VerifyError
from edgener_edge.on_device import probe
from edgener_edge.qemu_user import HOST, Emulator
from edgener_edge.unpack import Artifact

SENTENCES = Path(__file__).parent / "sentences.txt"
Entities = dict[tuple[int, int, str], float]
"""Score by start, end and label."""
SCRIPT = Path(probe.__file__)
MOST_EMULATORS = 4
"""Most emulators of one CPU model at once: each takes 300 MB of memory, and seconds to start."""
UNDECIDED = 0.75
"""Processors round differently. Where no differing entity has this score on either, the model itself is undecided."""


@dataclass(frozen=True)
class Agreement:
    """The comparison of one processor's answers with the host's."""

    cpu: str
    """Model of QEMU, or ``host``."""
    texts: int
    """Number of texts that were compared."""
    same_entities: int
    """Number of texts with exactly the host's spans and labels."""
    undecided: int
    """Number of texts where only entities differ whose scores are below UNDECIDED."""
    largest_score_difference: float
    """Largest difference between the scores of two equal entities."""
    same_logits: int
    """Number of texts whose logits are the host's bit for bit."""
    largest_difference: float
    """Largest difference between two logits."""
    golden_cases: int
    """Number of golden cases in the bundle."""
    golden_entities: int
    """Number of golden cases with the spans and labels that they were packed with."""
    seconds: float
    """Seconds to load and to recognize everything, summed over emulators, which say nothing about a real device."""
    first_difference: str
    """The first text where an entity differs whose score is at least UNDECIDED; empty where there is none."""

    @property
    def is_good(self) -> bool:
        """True if entities differ only below UNDECIDED, and all golden cases match."""
        return self.same_entities + self.undecided == self.texts and self.golden_entities == self.golden_cases

    @property
    def is_exact(self) -> bool:
        """True if all logits are the host's bit for bit, and all golden cases match."""
        return self.same_logits == self.texts and self.golden_entities == self.golden_cases


@dataclass(frozen=True)
class Verification:
    """The result of a verification."""

    reference: str
    """Machine and versions of the host, in words."""
    agreements: tuple[Agreement, ...]
    """One comparison for each processor."""


def verify(
    artifact: Artifact, cpus: Sequence[str], texts: Sequence[str], emulator: Emulator, scratch: Path
) -> Verification:
    """Recognize ``texts`` on this machine's own Python and on each CPU model with the build; compare.

    An emulator computes on one core: each model's texts are shared out among several, which run as long as each other.
    """
    cases = read_cases(artifact.model / GOLDEN)
    everything = [*(case.text for case in cases), *texts]

    def answers_of(cpu: str, part: int, part_texts: Sequence[str]) -> Path:
        wanted, target = (scratch / f"{cpu or 'reference'}-{part}.{kind}.json" for kind in ("input", "answers"))
        wanted.write_text(json.dumps({"bundle": str(artifact.model), "texts": part_texts}), encoding="utf-8")
        if cpu:
            emulator.run(artifact, cpu, SCRIPT, [wanted, target], scratch)
        else:
            _run_on_host(wanted, target)
        return target

    if any(cpu != HOST for cpu in cpus):
        emulator.qemu()  # fetched once, before several ask for it
    cores = os.cpu_count() or 1
    parts = shares(everything, min(cores, MOST_EMULATORS))
    with ThreadPoolExecutor(cores) as pool:
        host = pool.submit(answers_of, "", 0, everything)
        answering = {cpu: [pool.submit(answers_of, cpu, *part) for part in enumerate(parts)] for cpu in cpus}
        reference = host.result()
        answers = {cpu: [part.result() for part in running] for cpu, running in answering.items()}
    agreements = []
    for cpu, paths in answers.items():
        joined = scratch / f"{cpu}.json"
        join_answers(paths, joined)
        agreements.append(compare(cpu, cases, texts, reference, joined))
    said = _read(reference)
    return Verification(
        f"{said['machine']}, Python {said['python']}, onnxruntime {said['onnxruntime']}", tuple(agreements)
    )


def check_version(artifact: Artifact, file: Path) -> None:
    """Raise ArtifactError where ``file`` holds another version of edgener, whose answers ours do not stand for."""
    if artifact.record.edgener != edgener.__version__:
        raise ArtifactError(
            f"{file}: holds edgener {artifact.record.edgener}, and this is edgener-edge {edgener.__version__}; verify "
            "it with the version that built it, or build it again"
        )


def shares(texts: Sequence[str], count: int) -> list[Sequence[str]]:
    """Split ``texts`` into at most ``count`` neighbouring parts of about equal size in tokens, none of them empty."""
    ends = list(itertools.accumulate(len(text) + SPECIAL_TOKENS for text in texts))
    total = ends[-1] if ends else 0
    edges = [bisect.bisect_left(ends, total * number / count) for number in range(1, count)]
    return [texts[start:end] for start, end in itertools.pairwise([0, *edges, len(texts)]) if end > start] or [texts]


def join_answers(parts: Sequence[Path], target: Path) -> None:
    """Put what probes have written for neighbouring parts of the texts together, as one probe would have written it."""
    first, *others = (_read(part) for part in parts)
    for other in others:
        for key in ("entities", "logits_bytes", "seconds", "load_seconds"):
            first[key] += other[key]
    target.write_text(json.dumps(first), encoding="utf-8")
    logits = b"".join(part.with_suffix(".logits").read_bytes() for part in parts)
    target.with_suffix(".logits").write_bytes(logits)


def read_sentences(path: Path = SENTENCES) -> list[str]:
    """Read the lines of a text file. Raises InputError where it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 at byte {error.start}; convert it first") from error


def repeated_lines(sentences: Sequence[str], size: int) -> str:
    """Repeat ``sentences``, one a line, until they are ``size`` bytes of UTF-8 long."""
    lines: list[str] = []
    length = 0
    for sentence in itertools.cycle(filter(None, sentences)):
        if length >= size:
            break
        lines.append(sentence + "\n")
        length += len(lines[-1].encode())
    return "".join(lines)


def default_cpus(artifact: Artifact) -> list[str]:
    """CPU models to verify on: the device's, Arm cores without and with int8 dot products; for x86-64 the host's."""
    own = find_device(artifact.record.device).qemu_cpu
    return list(dict.fromkeys([own, "cortex-a72", "cortex-a76"])) if own else [HOST]


def _run_on_host(wanted: Path, target: Path) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, wanted, target], env=host_environment(), capture_output=True, check=False, text=True
    )
    if done.returncode:
        raise VerifyError(f"the host's own edgener ended with {done.returncode}\n{done.stderr[-2000:]}")


def host_environment() -> dict[str, str]:
    """The environment in which this machine's interpreter finds the edgener that is running now."""
    paths = [str(Path(edgener.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"}


def compare(cpu: str, cases: Sequence[Case], texts: Sequence[str], reference: Path, other: Path) -> Agreement:
    """Compare the answers that a probe wrote to ``other``, to the golden cases and then the texts, with those in
    ``reference``, and with the entities that the cases were packed with."""
    expected, found = _read(reference), _read(other)
    pairs = list(zip(_entities(found), _entities(expected), strict=True))
    golden = [
        ours.keys() == {(entity.start, entity.end, entity.label) for entity in case.entities}
        for (ours, _), case in zip(pairs, cases, strict=False)
    ]
    differing = [differing_scores(ours, theirs) for ours, theirs in pairs]
    score_differences = [
        abs(ours[span] - theirs[span]) for ours, theirs in pairs for span in ours.keys() & theirs.keys()
    ]
    same_logits, largest = 0, 0.0
    for ours, theirs in zip(_logits(other, found), _logits(reference, expected), strict=True):
        same_logits += ours == theirs
        if len(ours) == len(theirs) and ours:
            difference = np.abs(np.frombuffer(ours, "<f4") - np.frombuffer(theirs, "<f4"))
            largest = max(largest, float(difference.max()))
    everything = [*(case.text for case in cases), *texts]
    wrong = [text for text, scores in zip(everything, differing, strict=True) if max(scores, default=0) >= UNDECIDED]
    same = sum(not scores for scores in differing)
    return Agreement(
        cpu=cpu,
        texts=len(everything),
        same_entities=same,
        undecided=len(everything) - same - len(wrong),
        largest_score_difference=max(score_differences, default=0.0),
        same_logits=same_logits,
        largest_difference=largest,
        golden_cases=len(cases),
        golden_entities=sum(golden),
        seconds=found["seconds"],
        first_difference=wrong[0] if wrong else "",
    )


def differing_scores(ours: Entities, theirs: Entities) -> list[float]:
    """The scores of the entities that only one of the two has."""
    return [{**ours, **theirs}[span] for span in ours.keys() ^ theirs.keys()]


def _entities(answer: dict[str, Any]) -> list[Entities]:
    return [{(start, end, label): score for start, end, label, score in row} for row in answer["entities"]]


def _read(path: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(path.read_bytes())
    return answer


def _logits(path: Path, answer: dict[str, Any]) -> list[bytes]:
    content = path.with_suffix(".logits").read_bytes()
    pieces, start = [], 0
    for size in answer["logits_bytes"]:
        pieces.append(content[start : start + size])
        start += size
    return pieces
