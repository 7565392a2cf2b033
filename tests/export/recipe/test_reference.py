"""docs/recipe.md lists every key of a recipe, as the settings declare it."""

from __future__ import annotations

import pytest

from edgener_export.cli.main import main
from edgener_export.recipe.reference import reference
from edgener_export.recipe.settings import TrainSettings, keys_of, tables
from tests.support import ROOT


def test_the_page_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """If this fails: edgener-export settings > docs/recipe.md."""
    assert main(["settings"]) == 0
    assert (ROOT / "docs/recipe.md").read_text(encoding="utf-8") == capsys.readouterr().out


def test_every_key_of_every_table_has_a_row_with_its_sentence() -> None:
    rows = [line for line in reference().splitlines() if line.startswith("| `")]
    for _, kind in tables():
        for key in keys_of(kind):
            found = [row for row in rows if row.startswith(f"| `{key.name}` |") and key.setting.doc in row]
            assert found, (kind, key.name)


def test_shared_keys_are_listed_once() -> None:
    lines = reference().splitlines()
    for key in keys_of(TrainSettings):
        assert sum(line.startswith(f"| `{key.name}` |") and key.setting.doc in line for line in lines) == 1


def test_every_sentence_is_one() -> None:
    for _, kind in tables():
        for key in keys_of(kind):
            assert key.setting.doc[0].isupper(), key.name
            assert key.setting.doc.endswith("."), key.name
