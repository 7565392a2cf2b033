"""The pictures of the architecture are current, and name modules that there are."""

from __future__ import annotations

import pytest

from tests.support import ROOT
from tools.architecture_pictures import DOCS, PICTURES, picture


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_its_tool_draws(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == picture(PICTURES[name])


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_names_modules_that_there_are(name: str) -> None:
    modules = [step.module for step in PICTURES[name] if step.module]
    assert modules
    assert [module for module in modules if not (ROOT / module).is_file()] == []
