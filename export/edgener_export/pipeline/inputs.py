"""The inputs that a build and a search share: labelled sentences, golden texts, and the ingredients of a bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from edgener.bundle import Manifest
from edgener.normalization import normalization_of
from edgener.tags import TagSet
from edgener_export.corpus.blank_ends import without_blank_ends
from edgener_export.corpus.formats import JSONL
from edgener_export.corpus.msra import read_msra
from edgener_export.corpus.name_swap import read_all_names
from edgener_export.corpus.retype import retyped_corpus
from edgener_export.corpus.rewrite import rewritten
from edgener_export.corpus.splits import Corpus, read_corpus_file
from edgener_export.errors import RecipeError
from edgener_export.pipeline.pack import Ingredients
from edgener_export.recipe.settings import LineageSettings, QuantizeSettings, Recipe


def read_recipe_corpus(recipe: Recipe, cache: Path, tell: Callable[[str], None] | None = None) -> Corpus:
    """Read the sentences that a recipe names, with its types, and rewrite some; downloads are kept in ``cache``.

    ``tell`` is given what was left out of the files, mended or renamed. Raises CorpusError, RecipeError or
    DownloadError.
    """
    data = recipe.data
    if data.corpus:
        corpus = read_msra(cache)
    else:
        train, dev, test = (
            without_blank_ends(read_corpus_file(Path(name), data.format, data.encoding, data.offsets, tell), name, tell)
            for name in (data.train, data.dev, data.test)
        )
        corpus = Corpus(train, dev, test)
    limit = data.limit or None
    more = [
        sentence
        for name in data.more
        for sentence in without_blank_ends(read_corpus_file(Path(name), JSONL, tell=tell), name, tell)[:limit]
    ]
    corpus = retyped_corpus(replace(corpus, more=more, unlabelled_types=data.unlabelled_types), data.types, tell)
    corpus = replace(corpus, train=corpus.train[:limit], dev=corpus.dev[:limit], test=corpus.test[:limit])
    corpus.verify_labels(
        data.corpus or data.train, data.corpus or data.dev, data.corpus or data.test, ", ".join(data.more)
    )
    if recipe.rewrite:
        more_names = read_all_names(recipe.rewrite.names, corpus.labels())
        corpus = replace(corpus, more=[*corpus.more, *rewritten(corpus.learned, more_names, recipe.rewrite)])
    return corpus


def with_origin_of(manifest: Manifest, recipe: Recipe) -> Recipe:
    """Return the recipe with the lineage of a bundle, and with the characters that its model has learned to see.

    The span rules are those of the bundle, too, where the recipe names none.
    """
    lineage = tuple(LineageSettings(**asdict(entry)) for entry in manifest.lineage)
    span_rules = recipe.model.span_rules or manifest.span_rules
    return replace(
        recipe, lineage=lineage, model=replace(recipe.model, aliases=manifest.aliases, span_rules=span_rules)
    )


def read_golden_texts(path: Path) -> list[str]:
    """Return the texts of the golden cases, one for each line. Raises RecipeError where they cannot be read."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: is not UTF-8 at byte {error.start}; convert it first") from error


def ingredients_of(
    recipe: Recipe, precision: str, graph: Path, tokenizer: Path, tag_set: TagSet, golden_texts: Sequence[str]
) -> Ingredients:
    """Return everything that the bundle of an optimized graph is made of."""
    return Ingredients(
        name=f"{recipe.name}-{precision}",
        graph=graph,
        tokenizer=tokenizer,
        tag_set=tag_set,
        max_tokens=recipe.model.max_tokens,
        precision=precision,
        quantization=_in_words(recipe.quantize) if precision == "int8" else {},
        lineage=recipe.sources,
        limits=recipe.limits,
        golden_texts=golden_texts,
        normalization=normalization_of(recipe.model.aliases, recipe.model.span_rules),
    )


def _in_words(settings: QuantizeSettings) -> dict[str, str]:
    return {
        name: ", ".join(value) or "none" if isinstance(value, tuple) else str(value)
        for name, value in asdict(settings).items()
    }
