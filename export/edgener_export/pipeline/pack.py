"""Packing of graph, tokenizer, golden cases and card into a bundle, which appears in one step."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import edgener
from edgener import Recognizer
from edgener.bundle import (
    CARD,
    FORMAT_VERSION,
    FP16_GOLDEN,
    FP16_GRAPH,
    GOLDEN,
    GRAPH,
    MANIFEST,
    TOKENIZER,
    Manifest,
    Quality,
    Source,
    describe_file,
)
from edgener.errors import OutputError
from edgener.golden import Cases, check_case, read_cases, record_cases, write_cases
from edgener.normalization import Normalization
from edgener.session import Session, graph_signature
from edgener.tags import TagSet
from edgener.tokenizer import Encoder
from edgener_export.errors import GateError
from edgener_export.files.atomic import writing
from edgener_export.graph.export import external_data_path

FP16_NOTE = "fp16 was measured on a CPU that rounds after every step as float16 does, not on a GPU."
AT_FDCWD = -100
RENAME_EXCHANGE = 2
"""Constants of renameat2(2), from linux/fcntl.h and linux/fs.h."""


@dataclass(frozen=True)
class GpuIngredients:
    """The parts of a bundle that only GPUs use."""

    graph: Path
    """The fp16 graph, with its weights next to it and the signature of the other graph."""
    golden: Path
    """The golden cases of the fp16 graph."""


@dataclass(frozen=True)
class Ingredients:
    """Everything that a bundle is made of, except its measured quality."""

    name: str
    """The name of the model."""
    graph: Path
    """The optimized graph, with its weights next to it."""
    tokenizer: Path
    """The tokenizer.json, with as many entries as the graph has rows."""
    tag_set: TagSet
    """The tags that the last axis of the graph's output stands for."""
    max_tokens: int
    """The longest row in tokens that the model was trained on, special tokens included."""
    precision: str
    """The precision of the graph: ``int8``, ``fp16`` or ``fp32``."""
    quantization: dict[str, str]
    """The settings of the quantization, for the manifest."""
    lineage: tuple[Source, ...]
    """The weights and data that the model was made from."""
    limits: str
    """A description of the model's limits, for its card; it may be empty."""
    golden_texts: Sequence[str]
    """The texts of the golden cases."""
    normalization: Normalization | None = None
    """The aliases and span rules of the bundle; None where it uses none."""
    gpu: GpuIngredients | None = None
    """The parts for GPUs; None if the bundle has none."""


def write_bundle(ingredients: Ingredients, quality: Sequence[Quality], target: Path) -> None:
    """Write, load and check a bundle next to ``target``, then put it there; an older one is replaced.

    Raises OutputError where it cannot be written, or where something else is there.
    """
    verify_target(target)
    with bundle_draft(target) as draft:
        _fill(draft, ingredients, quality)


@contextmanager
def bundle_draft(target: Path) -> Iterator[Path]:
    """Give an empty directory next to ``target`` for a bundle, which is checked at the end and becomes ``target``.

    Where that fails nothing of it stays. Raises OutputError where it cannot be written, and GateError for a bundle
    that does not give its golden answers bit for bit.
    """
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            yield draft
            _check_answers(draft)
            _put_in_place(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def verify_target(target: Path) -> None:
    """Raise OutputError if ``target`` exists and is not a bundle, because it would be replaced and lost."""
    is_free = not target.exists() or (target / MANIFEST).exists() or (target.is_dir() and not any(target.iterdir()))
    if not is_free:
        raise OutputError(f"{target}: exists but is not a bundle; choose another path or delete it")


def _fill(draft: Path, ingredients: Ingredients, quality: Sequence[Quality]) -> None:
    _copy_graph(ingredients.graph, draft / GRAPH)
    shutil.copyfile(ingredients.tokenizer, draft / TOKENIZER)
    inputs, outputs = graph_signature(draft / GRAPH)
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name=ingredients.name,
        created_by=f"edgener {edgener.__version__}",
        scheme=ingredients.tag_set.scheme,
        tags=ingredients.tag_set.tags,
        max_tokens=ingredients.max_tokens,
        vocabulary_size=Encoder(ingredients.tokenizer).vocabulary_size,
        precision=ingredients.precision,
        quantization=ingredients.quantization,
        inputs=inputs,
        outputs=outputs,
        lineage=ingredients.lineage,
        quality=tuple(quality),
        files={},
        normalization=ingredients.normalization,
    )
    if ingredients.gpu:
        _copy_graph(ingredients.gpu.graph, draft / FP16_GRAPH)
        Session(draft / FP16_GRAPH, manifest, threads=1)
        shutil.copyfile(ingredients.gpu.golden, draft / FP16_GOLDEN)
    (draft / CARD).write_text(model_card(manifest, ingredients.limits), encoding="utf-8")
    record_golden(draft, manifest, ingredients.golden_texts)


def record_golden(draft: Path, manifest: Manifest, texts: Sequence[str]) -> None:
    """Write the golden cases of the bundle in ``draft``, whose other files are there, and its manifest."""
    write_cases(Cases(()), draft / GOLDEN)
    _write_manifest(draft, manifest)
    write_cases(record_cases(Recognizer.load(draft), texts), draft / GOLDEN)
    _write_manifest(draft, manifest)


def _copy_graph(graph: Path, target: Path) -> None:
    shutil.copyfile(graph, target)
    weights = external_data_path(graph)
    shutil.copyfile(weights, target.with_name(weights.name))


def _write_manifest(draft: Path, manifest: Manifest) -> None:
    """Write the manifest of the files that lie in the directory ``draft``."""
    names = sorted(path.name for path in draft.iterdir() if path.name != MANIFEST)
    files = {name: describe_file(draft / name) for name in names}
    (draft / MANIFEST).write_text(replace(manifest, files=files).to_json(), encoding="utf-8")


def _check_answers(draft: Path) -> None:
    """Raise GateError if the bundle in ``draft`` does not give its golden answers bit for bit."""
    recognizer = Recognizer.load(draft)
    for case in read_cases(draft / GOLDEN):
        outcome = check_case(recognizer, case)
        if not (outcome.same_entities and outcome.same_logits):
            raise GateError(f"{draft}: gives two answers to {case.text!r:.60}; the graph is not deterministic")


def _put_in_place(draft: Path, target: Path) -> None:
    """Give the directory ``draft`` the name ``target`` in one step; what was there is deleted."""
    draft.chmod(0o755)
    if target.exists():
        _exchange(draft, target)
        shutil.rmtree(draft)
    else:
        draft.replace(target)


def _exchange(first: Path, second: Path) -> None:
    """Swap two directories in one step, as renameat2(2) of Linux does: a reader sees the old one or the new one."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(AT_FDCWD, os.fsencode(first), AT_FDCWD, os.fsencode(second), RENAME_EXCHANGE):
        code = ctypes.get_errno()
        raise OSError(code, f"cannot be replaced in one step: {os.strerror(code)}", str(second))


def model_card(manifest: Manifest, limits: str) -> str:
    """Return the README.md of a bundle: its purpose, quality, lineage and limits."""
    size = {"int8": "8-bit integer", "fp16": "16-bit", "fp32": "32-bit"}[manifest.precision]
    lines = [
        f"# {manifest.name}",
        "",
        f"Finds {', '.join(manifest.tag_set.labels)} entities in Chinese text; {size} weights, for `edgener`.",
        "Text longer than the model's window is cut into overlapping windows by the runtime; nothing is truncated.",
        "",
        "## Quality",
        "",
        "| data | sentences | graph | precision | recall | F1 (exact span) |",
        "|---|---|---|---|---|---|",
        *(
            f"| {q.data} | {q.sentences} | {q.graph} | {q.precision:.2f} | {q.recall:.2f} | {q.f1:.2f} |"
            for q in manifest.quality
        ),
        "",
        "Measured by `edgener-export build` through the runtime itself; `edgener-export evaluate` measures it again.",
        *((FP16_NOTE,) if any(q.graph == "fp16" for q in manifest.quality) else ()),
        "",
        "## Made from",
        "",
        "| what | name | license | how |",
        "|---|---|---|---|",
        *(f"| {s.role} | {s.name} | {s.license} | {s.note} |" for s in manifest.lineage),
        "",
        "## Quantization",
        "",
        *(f"- {name}: {value}" for name, value in manifest.quantization.items()),
        "",
        "## Limits",
        "",
        *([limits, ""] if limits else []),
        score_note(manifest),
        "",
    ]
    return "\n".join(lines)


def score_note(manifest: Manifest) -> str:
    """Return the sentence of the card that says what a score means."""
    calibration = manifest.calibration
    if calibration is None or not calibration.sets:
        return "A score is the model's own probability and is not calibrated."
    everything = calibration.sets[-1]
    return (
        f"A score is a calibrated probability. Over {len(calibration.sets) - 1} labelled sets, the expected "
        f"calibration error is {everything.error_after:.1f} %; it was {everything.error_before:.1f} % before."
    )
