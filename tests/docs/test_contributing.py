"""CONTRIBUTING names files and make targets that there are, and pre-commit runs what `make test` lints with."""

from __future__ import annotations

import re

from tests.support import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_files_of_the_table_exist() -> None:
    paths = re.findall(r"`((?:runtime|export|edge|tools|tests)/[^`]+)`", PAGE)
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_make_targets_exist() -> None:
    named = {target for words in re.findall(r"\bmake ([a-z -]+)`", PAGE) for target in words.split()}
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert "test" in named
    assert named - targets == set()


def test_pre_commit_runs_the_linters_of_make_test() -> None:
    assert re.search(r"^test: lint$", MAKEFILE, re.MULTILINE)
    assert "entry: make lint\n" in (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
