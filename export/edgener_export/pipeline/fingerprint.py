"""What the training of a run depends on, so that no run is taken for that of another recipe, or of other data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgener.bundle import MANIFEST, bundle_directory, describe_file
from edgener.dataclass_json import to_plain
from edgener_export.checkpoint.classifier import is_bundle
from edgener_export.corpus.splits import Corpus
from edgener_export.errors import CheckpointError
from edgener_export.files.atomic import write_text
from edgener_export.recipe.settings import TEXT_RULE, Recipe
from edgener_export.recipe.text import flat_settings
from edgener_export.training.teacher import teacher_directory

ORIGIN = "origin.json"
"""In the directory of a run."""
TABLES = ("scheme", "model", "adapt", "finetune", "distil")
"""Settings that decide what is trained."""
OTHERS = ("model.packed_vocabulary", "adapt.save_minutes", "finetune.save_minutes", "distil.save_minutes")
"""But these, which the trained weights do not depend on."""

TRAINED = ("model", "adapt/state.pt", "finetune/state.pt", "distil/state.pt")
"""What is lost, or mixed up, if the training is another one."""

Origin = Mapping[str, Any]


def origin_of(recipe: Recipe, directory: Path, corpus: Corpus) -> Origin:
    """Settings by their names in the recipe, which lies in ``directory``; what they name counts by its content."""
    plain = to_plain(recipe)
    settings = dict(flat_settings({table: plain[table] for table in TABLES}))
    for name in OTHERS:
        settings.pop(name, None)
    for name, files in _named_files(recipe, directory):
        settings[name] = [_digest_of(path, settings[name]) for path in files]
    return {**settings, "data": _digest_of_corpus(corpus)}


def origin_of_model(source: Path) -> Origin:
    """Of a run that has its model from elsewhere."""
    return {"trained": _digest_of(source, str(source))}


def claim(run: Path, origin: Origin) -> None:
    """Note what a run depends on. Raises CheckpointError where what is there was trained with something else."""
    path = run / ORIGIN
    has_begun = any((run / name).exists() for name in TRAINED)
    if not has_begun or not path.exists():
        write_text(path, json.dumps(origin, indent=1, ensure_ascii=False))
        return
    before, now = json.loads(path.read_text(encoding="utf-8")), json.loads(json.dumps(origin))
    for name in sorted({**before, **now}):
        if before.get(name) != now.get(name):
            raise CheckpointError(
                f"{run}: was begun with another {name} ({_short(before.get(name))}, now {_short(now.get(name))}); "
                "name another --run, or remove this one"
            )


def _named_files(recipe: Recipe, directory: Path) -> Iterator[tuple[str, list[Path]]]:
    yield "model.checkpoint", [bundle_directory(recipe.model.checkpoint)]
    if recipe.model.average:
        yield "model.average.checkpoint", [Path(recipe.model.average.checkpoint)]
    if recipe.model.vocabulary.startswith(TEXT_RULE):
        yield "model.vocabulary", [Path(recipe.model.vocabulary.removeprefix(TEXT_RULE))]
    if recipe.adapt:
        yield "adapt.text", [directory / recipe.adapt.text]
    for table, settings in (("finetune", recipe.finetune), ("distil", recipe.distil)):
        if settings and settings.swap_names:
            yield f"{table}.swap_names", [directory / settings.swap_names]
    if recipe.distil:
        yield "distil.teacher", [teacher_directory(directory, recipe.distil.teacher)]
        yield "distil.teachers", [teacher_directory(directory, name) for name in recipe.distil.teachers]
        if recipe.distil.unlabelled:
            yield "distil.unlabelled", [directory / recipe.distil.unlabelled]


def _digest_of(path: Path, name: Any) -> Any:
    """Of a file, of the manifest of a bundle, of all files of another directory; what is nowhere is its ``name``."""
    if path.is_file():
        return describe_file(path).sha256
    if is_bundle(path):
        return describe_file(path / MANIFEST).sha256
    if path.is_dir():
        digests = [f"{file.name} {describe_file(file).sha256}" for file in sorted(path.iterdir()) if file.is_file()]
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()
    return name


def _digest_of_corpus(corpus: Corpus) -> str:
    digest = hashlib.sha256()
    for part in (corpus.train, corpus.dev):
        digest.update(f"{len(part)}\n".encode())
        for sentence in part:
            digest.update(json.dumps([sentence.text, sentence.spans]).encode())
    return digest.hexdigest()


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:40]}…"
