"""A bundle is written whole or not at all, and the same way every time."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edgener import Recognizer
from edgener.bundle import CARD, GOLDEN, GRAPH, TOKENIZER, Quality
from edgener.errors import TokenizerError
from edgener.golden import read_cases
from edgener_export.pipeline.pack import Ingredients, write_bundle
from tests.support import TINY_BUNDLE, read_manifest

MANIFEST = read_manifest(TINY_BUNDLE)
INGREDIENTS = Ingredients(
    name=MANIFEST.name,
    graph=TINY_BUNDLE / GRAPH,
    tokenizer=TINY_BUNDLE / TOKENIZER,
    tag_set=MANIFEST.tag_set,
    max_tokens=MANIFEST.max_tokens,
    precision=MANIFEST.precision,
    quantization=MANIFEST.quantization,
    lineage=MANIFEST.lineage,
    limits="Not good at poems.",
    golden_texts=[case.text for case in read_cases(TINY_BUNDLE / GOLDEN)],
)
QUALITY = Quality("some test", 100, "int8", 90.5, 80.25, 85.06)


def contents(directory: Path) -> dict[str, bytes]:
    """Every file by name."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_the_card_tells_the_limits_that_the_recipe_names(tmp_path: Path) -> None:
    write_bundle(INGREDIENTS, [QUALITY], tmp_path / "bundle")
    assert "\nNot good at poems.\n" in (tmp_path / "bundle" / CARD).read_text(encoding="utf-8")


def test_same_ingredients_same_bytes(tmp_path: Path) -> None:
    write_bundle(INGREDIENTS, [QUALITY], tmp_path / "a")
    write_bundle(INGREDIENTS, [QUALITY], tmp_path / "b" / "c")
    assert contents(tmp_path / "a") == contents(tmp_path / "b" / "c")


def test_a_new_bundle_replaces_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    write_bundle(INGREDIENTS, [], target)
    (target / "old").write_bytes(b"")
    write_bundle(replace(INGREDIENTS, name="new"), [], target)
    assert Recognizer.load(target).manifest.name == "new"
    assert not (target / "old").exists()
    assert list(tmp_path.iterdir()) == [target]
    assert target.stat().st_mode & 0o777 == 0o755


def test_a_failure_leaves_the_old_bundle(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    write_bundle(INGREDIENTS, [QUALITY], target)
    before = contents(target)
    tokenizer = json.loads((TINY_BUNDLE / TOKENIZER).read_bytes())
    tokenizer["model"]["vocab"] = {"[PAD]": 0, "[UNK]": 1}
    tokenizer["added_tokens"] = []
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(tokenizer), encoding="utf-8")
    with pytest.raises(TokenizerError):
        write_bundle(replace(INGREDIENTS, tokenizer=bad), [QUALITY], target)
    assert contents(target) == before
    assert sorted(tmp_path.iterdir()) == [bad, target]


def test_a_failure_leaves_nothing_where_nothing_was(tmp_path: Path) -> None:
    graph = Path(shutil.copy(TINY_BUNDLE / GRAPH, tmp_path))
    with pytest.raises(FileNotFoundError):
        write_bundle(replace(INGREDIENTS, graph=graph), [], tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == [graph]


def test_the_card_tells_people_what_the_manifest_tells_programs(tmp_path: Path) -> None:
    write_bundle(INGREDIENTS, [QUALITY], tmp_path / "bundle")
    card = (tmp_path / "bundle" / CARD).read_text(encoding="utf-8")
    for expected in ("# tiny-int8", "LOC, ORG, PER", "some test", "85.06", "Apache-2.0", "method: static"):
        assert expected in card
