"""The recipe of the page on training makes a model for types of one's own, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from edgener import Recognizer
from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import load_bundle
from edgener_export.cli.main import main
from edgener_export.corpus.reading import read_labelled
from tests.support import ROOT, names

PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
FILE = re.compile(r"^`(?P<name>\w+\.\w+)`[^\n]*:\n\n```\w+\n(?P<content>.*?)^```$", re.DOTALL | re.MULTILINE)
TOLD = re.compile(r"^The build says[^\n]*:\n\n```text\n(?P<lines>.*?)```", re.DOTALL | re.MULTILINE)
TYPES = {"NAME": "PER", "DRUG": "DRUG", "ORG": "ORG"}
"""Renamed types of the page's sentences; TITLE is dropped."""


class Built(NamedTuple):
    """The directory with the page's files and the bundle, and what the build said."""

    directory: Path
    told: list[str]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The page's files and the bundle that they give, from the built-in one."""
    directory = tmp_path_factory.mktemp("own-types")
    files = {match["name"]: match["content"] for match in FILE.finditer(PAGE)}
    assert set(files) == {"train.jsonl", "dev.jsonl", "test.jsonl", "golden.txt", "recipe.toml"}
    for name, content in files.items():
        (directory / name).write_text(content, encoding="utf-8")
    log = directory / "log.txt"
    with pytest.MonkeyPatch.context() as patch, log.open("w", encoding="utf-8") as file:
        patch.setattr("sys.stderr", file)
        settings = ["--set", "finetune.precision=fp32"]
        run = ["--run", str(directory / "run"), "--bundle", str(directory / "drugs")]
        assert main(["build", str(directory / "recipe.toml"), *run, *settings]) == 0
    return Built(directory, log.read_text(encoding="utf-8").splitlines())


def test_the_model_has_learned_the_new_type_and_still_knows_the_old_ones(built: Built) -> None:
    recognizer = Recognizer.load(built.directory / "drugs")
    assert load_bundle(built.directory / "drugs").manifest.tags[1::4] == ("B-DRUG", "B-ORG", "B-PER")
    expected, found = set(), set()
    for row, sentence in enumerate(read_labelled(built.directory / "train.jsonl").sentences):
        wanted = [(start, end, TYPES[label]) for start, end, label in sentence.spans if label in TYPES]
        expected |= {(row, *name) for name in wanted}
        found |= {(row, *name) for name in names(recognizer(sentence.text))}
    assert {name[-1] for name in expected & found} == {"DRUG", "ORG", "PER"}
    assert len(expected & found) >= 0.8 * max(len(expected), len(found))


def test_the_build_says_what_the_page_shows(built: Built) -> None:
    shown = TOLD.search(PAGE)
    assert shown
    assert [line for line in shown["lines"].splitlines() if line not in built.told] == []


def test_the_lineage_names_the_model_that_the_training_began_with(built: Built) -> None:
    lineage = load_bundle(built.directory / "drugs").manifest.lineage
    start = load_bundle(DEFAULT_BUNDLE).manifest
    named = ("base weights", start.name)
    assert (lineage[0].role, lineage[0].name) == named
    assert lineage[1:-1] == tuple(source for source in start.lineage if (source.role, source.name) != named)
    assert lineage[-1].name == "sentences of an invented pharmacy"
