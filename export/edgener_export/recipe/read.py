"""One TOML file, one reproducible model."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgener.bundle import LEAST_TOKENS, Source
from edgener.dataclass_json import RecordError, from_plain
from edgener.tags import SCHEMES
from edgener_export.checkpoint.load import ModelSettings
from edgener_export.checkpoint.vocabulary import OF_TEXT
from edgener_export.errors import RecipeError
from edgener_export.graph.int8 import QuantizeSettings
from edgener_export.training.adapt import AdaptSettings
from edgener_export.training.distil import DistilSettings
from edgener_export.training.finetune import FinetuneSettings


@dataclass(frozen=True)
class DataSettings:
    """The ``[data]`` table: either a known corpus, or files of one's own."""

    corpus: str = ""
    """``msra``, which is downloaded; empty where ``train``, ``dev`` and ``test`` name files."""
    train: str = ""
    """A labelled file; relative to the recipe."""
    dev: str = ""
    """Likewise; scored while training."""
    test: str = ""
    """Likewise; scored once, at the end."""
    format: str = "auto"
    """Of these files: one of ``formats.READABLE``, or what their content looks like."""
    limit: int = 0
    """Only so many sentences of each part; 0 takes all. For trying a recipe."""


@dataclass(frozen=True)
class GateSettings:
    """The ``[gate]`` table: what a model must reach on the test sentences to be packed."""

    f1: float = 0.0
    """Least F1 of each packed graph, in percent."""
    loss: float = 0.5
    """Most points of F1 that each of them may lose against fp32."""
    megabytes: float = 30.0
    """Most size of what a CPU needs of the bundle, in 10**6 bytes."""


@dataclass(frozen=True)
class GpuSettings:
    """The ``[gpu]`` table: what is packed for GPUs besides."""

    fp16: bool = False
    """A second graph, with weights and activations in float16: twice the size of the int8 one."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out."""

    name: str
    """Of the model; also of the run's directory."""
    model: ModelSettings
    data: DataSettings
    lineage: tuple[Source, ...]
    """What the weights and the data are, for the manifest and the card."""
    golden: str
    """A file of texts, one a line, that become golden cases; relative to the recipe."""
    limits: str = ""
    """What the model is not good at, for the card."""
    scheme: str = "BIOES"
    """Tagging scheme."""
    adapt: AdaptSettings | None = None
    """Where it is given, the checkpoint first goes on with its pre-training, on text without labels."""
    finetune: FinetuneSettings | None = None
    """Where it is given, the checkpoint is fine-tuned on the labelled sentences."""
    distil: DistilSettings | None = None
    """Where it is given, the model, fine-tuned or not, then learns from a teacher."""
    quantize: QuantizeSettings = field(default_factory=QuantizeSettings)
    gpu: GpuSettings = field(default_factory=GpuSettings)
    gate: GateSettings = field(default_factory=GateSettings)


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in ``path`` with ``table.key=value`` overrides; values are TOML, or else plain text.

    Raises RecipeError that names the file and the key.
    """
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RecipeError(f"{path}: is not TOML: {error}") from error
    for override in overrides:
        _override(plain, override)
    try:
        recipe = from_plain(Recipe, plain)
    except RecordError as error:
        raise RecipeError(f"{path}: {error}") from error
    if not (recipe.finetune or recipe.distil or recipe.model.average):
        raise RecipeError(f"{path}: has neither [finetune] nor [distil] nor [model.average]; nothing would be trained")
    if recipe.scheme not in SCHEMES:
        raise RecipeError(f"{path}: scheme {recipe.scheme!r} is unknown; known: {', '.join(SCHEMES)}")
    for settings in filter(None, (recipe.adapt, recipe.finetune, recipe.distil)):
        settings.verify()
    if recipe.model.max_tokens < LEAST_TOKENS:
        raise RecipeError(f"model.max_tokens is {recipe.model.max_tokens}; no text fits into less than {LEAST_TOKENS}")
    vocabulary, packed = (beside(path, rule) for rule in (recipe.model.vocabulary, recipe.model.packed_vocabulary))
    return replace(recipe, model=replace(recipe.model, vocabulary=vocabulary, packed_vocabulary=packed))


def beside(recipe: Path, rule: str) -> str:
    """A vocabulary rule whose text, where it names one, is relative to the recipe."""
    return f"{OF_TEXT}{recipe.parent / rule.removeprefix(OF_TEXT)}" if rule.startswith(OF_TEXT) else rule


def _override(plain: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator:
        raise RecipeError(f"--set {override}: expected table.key=value")
    *tables, name = key.split(".")
    table: Any = plain
    for part in tables:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise RecipeError(f"--set {override}: {part} is no table")
    try:
        table[name] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        table[name] = text
