"""The fingerprint of a run: everything that its training depends on, so that no recipe uses a stale run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from edgener.bundle import MANIFEST, describe_file
from edgener.dataclass_json import to_plain
from edgener.lone_surrogates import JSON_ESCAPES
from edgener_export.checkpoint.classifier import is_bundle
from edgener_export.corpus.splits import Corpus
from edgener_export.errors import CheckpointError
from edgener_export.files.atomic import write_text
from edgener_export.recipe.paths import models_of, named_paths
from edgener_export.recipe.settings import Recipe, full_name, keys_of, table_of, tables, walk
from edgener_export.recipe.text import flat_settings

ORIGIN = "origin.json"
"""The file in the directory of a run that holds its origin."""
DATA_TABLE = "data."
"""The settings of this table count by the sentences that they select and label."""

TRAINED = ("model", "adapt/state.pt", "finetune/state.pt", "distil/state.pt")
"""The files of a run that another training would overwrite or mix up."""

ELSEWHERE = "trained"
"""The entry of the origin of a run whose model was trained elsewhere: the digest of that model."""
SOURCE = "trained_in"
"""The other entry of such a run: the path of that model, which may change."""

Origin = Mapping[str, Any]


def origin_of(recipe: Recipe, corpus: Corpus) -> Origin:
    """Return every setting that the trained weights depend on, by its full name; a path counts by its content."""
    flat = flat_settings(to_plain(recipe))
    settings = {name: value for name, value in flat if not name.startswith(DATA_TABLE)}
    for name, key, value in walk(recipe):
        if not key.setting.trains or name.startswith(DATA_TABLE):
            settings.pop(name, None)
        elif key.setting.path and (paths := named_paths(key.setting.path, value)):
            settings[name] = [_digest_of(path) for path in paths]
    return {**settings, "data": _digest_of_corpus(corpus)}


def origin_of_model(source: Path) -> Origin:
    """Return the origin of a run whose model was trained elsewhere."""
    return {ELSEWHERE: _digest_of(source), SOURCE: str(source.resolve())}


def source_of(run: Path) -> Path | None:
    """Return the path of the model that a run has in place of one of its own training; None if it has none.

    Raises CheckpointError if that model lies there no more, or if the run is of a version that did not write it down.
    """
    recorded = _recorded(run)
    if ELSEWHERE not in recorded:
        return None
    source = Path(recorded.get(SOURCE, ""))
    if SOURCE not in recorded or not source.is_dir():
        raise CheckpointError(
            f"{run / ORIGIN}: does not say where the model of this run lies now; build it once more with --trained"
        )
    return source


def claim(run: Path, origin: Origin) -> None:
    """Record the origin of a run. Raises CheckpointError if the run was begun with another origin."""
    path = run / ORIGIN
    has_begun = any((run / name).exists() for name in TRAINED)
    if not has_begun or not path.exists():
        _write(path, origin)
        return
    _verify_same(run, _recorded(run), origin)
    if SOURCE in origin:
        _write(path, origin)


def verify_trained_by(recipe: Recipe, corpus: Corpus, run: Path) -> None:
    """Raise CheckpointError if the model of a run was trained by another recipe, or on other sentences.

    A model that was trained elsewhere has no recipe. Where a model that the training began with is not there, as it is
    gone or lies on the hub, the sentences alone are compared.
    """
    recorded = _recorded(run)
    if not recorded or ELSEWHERE in recorded:
        return
    origin = origin_of(recipe, corpus)
    if all(path.exists() for _, path in models_of(recipe)):
        _verify_same(run, recorded, origin)
    else:
        _verify_same(run, {"data": recorded.get("data")}, {"data": origin["data"]})


def _write(path: Path, origin: Origin) -> None:
    write_text(path, json.dumps(origin, indent=1, ensure_ascii=False).translate(JSON_ESCAPES))


def _recorded(run: Path) -> Origin:
    path = run / ORIGIN
    recorded: Origin = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return recorded


def _verify_same(run: Path, recorded: Origin, origin: Origin) -> None:
    """Raise CheckpointError, which names the setting, if a run was begun with another origin."""
    given = json.loads(json.dumps(origin))
    before, now = _with_defaults(recorded), _with_defaults(given)
    for name in sorted({**before, **now}.keys() - {SOURCE}):
        if (before.get(name) or None) != (now.get(name) or None):
            raise CheckpointError(
                f"{run}: was begun with another {name} ({_short(before.get(name))}, now {_short(now.get(name))}); "
                "name another --run, or remove this one"
            )


def _with_defaults(origin: Origin) -> Origin:
    """Return an origin with the default of every setting that it lacks in the tables that it has.

    An older version wrote it, which did not know the setting and did what the default does now.
    """
    defaults = {
        full_name(table, key.name): to_plain(key.default)
        for table, kind in tables()
        if any(name.startswith(full_name(table, "")) for name in origin)
        for key in keys_of(kind)
        if key.setting.trains and key.default is not MISSING and not table_of(key.type)
    }
    return {**defaults, **origin}


def _digest_of(path: Path) -> str:
    """Return the digest of a file, of a bundle's manifest, or of a directory's files; else the path itself."""
    if path.is_file():
        return describe_file(path).sha256
    if is_bundle(path):
        return describe_file(path / MANIFEST).sha256
    if path.is_dir():
        digests = [f"{file.name} {describe_file(file).sha256}" for file in sorted(path.iterdir()) if file.is_file()]
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()
    return str(path)


def _digest_of_corpus(corpus: Corpus) -> str:
    digest = hashlib.sha256()
    if corpus.unlabelled_types:
        digest.update(f"{sorted(corpus.unlabelled_types)}\n".encode())
    for part in (corpus.train, corpus.dev, corpus.more):
        digest.update(f"{len(part)}\n".encode())
        for sentence in part:
            digest.update(json.dumps([sentence.text, sentence.spans, sentence.ignored]).encode())
    return digest.hexdigest()


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:40]}…"
