"""The preparation of ``edgener-export train``: types, a split, a recipe and its files, before any training."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import GOLDEN
from edgener.golden import read_cases
from edgener.lone_surrogates import STAND_INS
from edgener.tags import OUTSIDE
from edgener_export.corpus.formats import jsonl
from edgener_export.corpus.retype import retyped
from edgener_export.corpus.rule_conflicts import RuleConflict, rule_conflicts
from edgener_export.corpus.sentence import Sentence, labels_left_out, labels_of
from edgener_export.corpus.splits import unknown_entities
from edgener_export.errors import CorpusError, RecipeError
from edgener_export.files.atomic import draft_of, writing
from edgener_export.plan.base import TYPE_MEGABYTES, Base, path_from
from edgener_export.plan.choices import Choices, choices_for
from edgener_export.plan.recipe_file import (
    GOLDEN_TEXTS,
    HELD_OUT,
    RECIPE,
    TRAIN,
    Parts,
    recipe_lines,
    recipe_tables,
)
from edgener_export.plan.split import Split, contradictions, in_learning_order, split, verify_enough
from edgener_export.recipe.read import apply_override, verify_tables


@dataclass(frozen=True)
class Request:
    """Everything that the user asks for, but for the labelled sentences themselves."""

    name: str
    """The name of the model."""
    base: Base
    """The checkpoint to start from."""
    sources: tuple[Path, ...]
    """The labelled files."""
    adds: bool = False
    """True if the types of the base model that the data does not label stay."""
    renames: Mapping[str, str] = field(default_factory=dict)
    """Other names for types of the data and of the base model; an empty name drops a type."""
    text: Path | None = None
    """Unlabelled texts on which the base model teaches the types that stay."""
    license: str = "not stated"
    """The license of the labelled data."""
    overrides: Sequence[str] = ()
    """Other settings of the recipe, as ``table.key=value``."""

    @property
    def source(self) -> str:
        """Return the paths of the labelled files, as messages name them."""
        return ", ".join(map(str, self.sources))


@dataclass(frozen=True)
class Types:
    """The entity types of a model to train, and where they come from."""

    labelled: tuple[str, ...]
    """Types of the data, by their new names."""
    kept: tuple[str, ...]
    """Types of the base model alone, by their new names; none unless types are added."""
    of_base: Mapping[str, str]
    """The new names for types of the base model."""
    forgotten: tuple[str, ...]
    """Types that the base model knows and the new one will not."""


def renamed(request: Request, sentences: Iterable[Sentence]) -> list[Sentence]:
    """Return the sentences with the new names of their types, and without entities whose type is dropped.

    Raises RecipeError for a type that neither they nor the base model have, or where every type is dropped.
    """
    given = list(sentences)
    in_data = sorted({*labels_of(given), *labels_left_out(given)})
    renames, base = request.renames, request.base
    unknown = [label for label in renames if label not in (*in_data, *base.types)]
    if unknown:
        raise RecipeError(
            f"--rename: {', '.join(unknown)} is a type neither of {request.source} ({', '.join(in_data) or 'none'}) "
            f"nor of {base.name} ({', '.join(base.types) or 'none'})"
        )
    if in_data and not _renamed(in_data, renames):
        raise RecipeError(f"--rename: drops all types of {request.source}; keep one")
    return [retyped(sentence, renames) for sentence in given]


def overlapped_types(sentences: Sequence[Sentence]) -> tuple[str, ...]:
    """Return the types whose entities all overlap others, which are kept instead."""
    labelled = labels_of(sentences)
    return tuple(label for label in labels_left_out(sentences) if label not in labelled)


def plan_types(request: Request, sentences: Iterable[Sentence]) -> Types:
    """Return the types of the model that the renamed sentences and the request give.

    Raises RecipeError where types are to be added and there is nothing to add them to.
    """
    renames, base = request.renames, request.base
    labelled = labels_of(sentences)
    known = _renamed(base.types, renames)
    kept = tuple(label for label in known if label not in labelled)
    if request.adds and not base.types:
        raise RecipeError(
            f"--add: {base.name} knows no entity types that could stay; leave --add out, or start from a bundle such "
            "as --base small"
        )
    if request.adds and not kept:
        raise RecipeError(
            f"--add: {request.source} labels all types that {base.name} knows ({', '.join(base.types)}), so none has "
            "to be kept; leave --add out"
        )
    return Types(
        labelled,
        kept if request.adds else (),
        {old: new for old, new in renames.items() if old in base.types and (request.adds or new in labelled)},
        () if request.adds else kept,
    )


def knows_all(base: Base, types: Types) -> bool:
    """Return True if the base model is a bundle that has every labelled type, by its new name."""
    return set(types.labelled) <= {types.of_base.get(label, label) for label in base.types}


def choices_of(request: Request, types: Types, split: Split) -> Choices:
    """Return the settings that are chosen for a request."""
    return choices_for(
        len(split.train),
        request.base.megabytes,
        request.base.layers,
        is_known=knows_all(request.base, types),
        is_taught=bool(types.kept),
    )


def split_of(
    request: Request, sentences: Sequence[Sentence], dev: Sequence[Sentence], dev_name: str, tell: Callable[[str], None]
) -> Split:
    """Return the sentences to learn and those to measure on, which are ``dev`` where there are any.

    ``tell`` is given what is left out. Raises CorpusError, which names the file, where they cannot be used.
    """
    _verify_types(sentences, request.source)
    _verify_types(dev, dev_name)
    texts = {sentence.text for sentence in dev}
    used = [sentence for sentence in sentences if sentence.text and sentence.text not in texts]
    empty = sum(not sentence.text for sentence in sentences)
    for number, what in (
        (empty, "sentences without text are left out"),
        (len(sentences) - len(used) - empty, f"sentences are in {dev_name} too, and are not learned"),
        (
            contradictions(used),
            "sentences repeat an earlier one with other entities; the labels contradict each other",
        ),
    ):
        if number:
            tell(f"{request.source}: {number} {what}")
    if not dev:
        return split(used, request.source)
    if labels_of(sentences) and not labels_of(used):
        raise CorpusError(
            f"{request.source}: no sentence with an entity is left besides those of {dev_name}; name other sentences "
            "with --dev, or leave it out"
        )
    verify_enough(used, request.source)
    if not labels_of(dev):
        raise CorpusError(
            f"{dev_name}: no sentence has an entity; there is nothing to measure on: label some, or leave --dev out"
        )
    for where, label in unknown_entities(dev, labels_of(used)):
        raise CorpusError(
            f"{dev_name}: {where}, which {request.source} does not label; rename it with --rename {label}=, or label "
            "it there"
        )
    return Split(in_learning_order(used), [sentence for sentence in dev if sentence.text])


def _verify_types(sentences: Iterable[Sentence], source: str) -> None:
    """Raise CorpusError, which names the sentence, for a type that is named like the text outside of entities."""
    for number, sentence in enumerate(sentences, 1):
        if any(span.label == OUTSIDE for span in sentence.spans):
            raise CorpusError(
                f"{source}: sentence {number} has an entity of the type {OUTSIDE}, which is the name of text outside "
                f"of entities; rename it with --rename {OUTSIDE}=NEW, or drop it with --rename {OUTSIDE}="
            )


def write_files(
    request: Request, types: Types, split: Split, directory: Path, conflicts: Iterable[RuleConflict]
) -> Path:
    """Write the recipe and its files into a directory, which is made, and return the path of the recipe.

    ``conflicts`` are those of ``rules_left_out``, whose rules the recipe goes without.

    Files of an earlier call stay if they are the same. Raises RecipeError where one differs, because the run in the
    directory was made from it, and before anything is written where the overrides make a faulty recipe.
    """
    fitting = fitting_rules(request.base, conflicts)
    parts = Parts(
        name=request.name,
        base=request.base.seen_from(directory),
        data=", ".join(path.name for path in request.sources),
        sentences=len(split.train),
        characters=sum(len(sentence.text) for sentence in split.train),
        test_entities=sum(len(sentence.spans) for sentence in split.held_out),
        license=request.license,
        base_types=types.of_base,
        unlabelled_types=types.kept,
        scheme=request.base.scheme if types.kept else "",
        span_rules=None if fitting == request.base.span_rules else fitting,
        text=path_from(directory, request.text) if request.text and types.kept else "",
        megabytes=round(request.base.megabytes + TYPE_MEGABYTES * len(types.labelled), 2),
    )
    tables: dict[str, Any] = recipe_tables(parts, choices_of(request, types, split))
    for each in request.overrides:
        apply_override(tables, each)
    recipe = directory / RECIPE
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
    verify_tables(tables, recipe, (TRAIN, HELD_OUT, GOLDEN_TEXTS))
    for name, write in (
        (TRAIN, partial(jsonl.write, split.train)),
        (HELD_OUT, partial(jsonl.write, split.held_out)),
        (GOLDEN_TEXTS, partial(_write_lines, golden_texts())),
        (RECIPE, partial(_write_lines, recipe_lines(parts, tables))),
    ):
        _write_or_keep(directory / name, write, recipe)
    return recipe


def rules_left_out(base: Base, split: Split) -> list[RuleConflict]:
    """Return the span rules of the base model that the labels contradict, which the new model goes without."""
    return [conflict for conflict in rule_conflicts(base.span_rules, split.train) if conflict.labels]


def fitting_rules(base: Base, conflicts: Iterable[RuleConflict]) -> tuple[str, ...]:
    """Return the span rules of the base model that are in no conflict with the labels."""
    left_out = {conflict.rule for conflict in conflicts}
    return tuple(rule for rule in base.span_rules if rule not in left_out)


def _write_or_keep(path: Path, write: Callable[[Path], object], recipe: Path) -> None:
    """Write a file unless it is there. Raises RecipeError where it is there with another content."""
    if not path.exists():
        with draft_of(path) as draft:
            write(draft)
        return
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / path.name
        write(again)
        is_same = again.read_bytes() == path.read_bytes()
    if not is_same:
        raise RecipeError(
            f"{path}: is not what this command writes, because it, DATA or an option was changed; build what it says "
            f"with edgener-export build {recipe}, or name another --run, or remove {path.parent}"
        )


def _write_lines(lines: Iterable[str], path: Path) -> None:
    path.write_text("".join(f"{line}\n" for line in lines).translate(STAND_INS), encoding="utf-8")


def part_of(split: Split, share: float) -> Split:
    """Return the split with the first of its training sentences alone."""
    return replace(split, train=split.train[: round(share * len(split.train))])


def golden_texts() -> list[str]:
    """Return texts for the golden cases: those of the built-in model, so that none of the user's gets into a bundle."""
    return [case.text for case in read_cases(DEFAULT_BUNDLE / GOLDEN) if len(case.text.splitlines()) == 1]


def _renamed(labels: Iterable[str], renames: Mapping[str, str]) -> tuple[str, ...]:
    """Return the new names of types, in alphabetical order, without those that are dropped."""
    return tuple(sorted({renames.get(label, label) for label in labels} - {""}))
