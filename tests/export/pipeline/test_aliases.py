"""A model whose recipe names aliases is trained and calibrated on the characters that the device shows it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgener.bundle import TOKENIZER
from edgener.tags import TagSet
from edgener_export.checkpoint.load import load_checkpoint
from edgener_export.pipeline.build import Pipeline
from edgener_export.pipeline.inputs import read_recipe_corpus
from edgener_export.recipe import Recipe, read_recipe
from edgener_export.training.steps import Training
from tests.support import TINY_BUNDLE

TRADITIONAL = str.maketrans("陈张国银长龙刘们问谁", "陳張國銀長龍劉們問誰")
RowsOf = Callable[[Recipe, Path], list[NDArray[np.int64]]]
ALIASES = 'model.aliases=["simplified"]'


def rewritten(build: list[str], directory: Path, *overrides: str) -> tuple[Recipe, Recipe]:
    """Return the tiny recipe with its simplified sentences, and one with the same in traditional characters."""
    simplified = Path(shutil.copytree(Path(build[1]).parent, directory / "simplified"))
    traditional = Path(shutil.copytree(simplified, directory / "traditional"))
    for name in ("train.jsonl", "dev.jsonl", "test.jsonl", "golden.txt"):
        path = traditional / name
        path.write_text(path.read_text(encoding="utf-8").translate(TRADITIONAL), encoding="utf-8")
    return read_recipe(simplified / "recipe.toml"), read_recipe(traditional / "recipe.toml", overrides)


def calibrated(recipe: Recipe, run: Path) -> list[NDArray[np.int64]]:
    """Return the rows of tokens that the graph of a recipe is calibrated with."""
    run.mkdir()
    shutil.copyfile(TINY_BUNDLE / TOKENIZER, run / "packed-tokenizer.json")
    return Pipeline(recipe, run, run, lambda _line: None)._calibration()


def trained_on(recipe: Recipe, run: Path) -> list[NDArray[np.int64]]:
    """Return the rows of tokens that the model of a recipe is trained on; teachers read the same."""
    corpus = read_recipe_corpus(recipe, run)
    tag_set = TagSet.of(recipe.scheme, corpus.labels())
    run.mkdir()
    checkpoint = load_checkpoint(recipe.model, tag_set, run / TOKENIZER, run)
    training = Training(recipe, run, corpus, tag_set, checkpoint, lambda _line: None)
    return [example.ids for example in training._examples(corpus.train)]


@pytest.mark.parametrize("rows_of", [calibrated, trained_on])
def test_traditional_text_is_to_the_model_what_simplified_text_is(
    rows_of: RowsOf, build_tiny: list[str], tmp_path: Path
) -> None:
    simplified, traditional = rewritten(build_tiny, tmp_path, ALIASES)
    expected, found = rows_of(simplified, tmp_path / "one"), rows_of(traditional, tmp_path / "two")
    for wanted, row in zip(expected, found, strict=True):
        assert row.tolist() == wanted.tolist()
    assert len(found) > 50


def test_without_aliases_traditional_characters_are_unknown_to_the_tiny_model(
    build_tiny: list[str], tmp_path: Path
) -> None:
    _, traditional = rewritten(build_tiny, tmp_path)
    unknown = json.loads((TINY_BUNDLE / TOKENIZER).read_bytes())["model"]["vocab"]["[UNK]"]
    for rows_of in (calibrated, trained_on):
        rows = rows_of(traditional, tmp_path / rows_of.__name__)
        assert any(unknown in row for row in rows)
