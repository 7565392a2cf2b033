"""The pictures are current; those of the architecture name modules that there are."""

from __future__ import annotations

import pytest

from edgener import Recognizer
from tests.support import ROOT
from tools import readme_picture
from tools.architecture_pictures import DOCS, PICTURES, picture


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_its_tool_draws(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == picture(PICTURES[name])


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_names_modules_that_there_are(name: str) -> None:
    modules = [step.module for step in PICTURES[name] if step.module]
    assert modules
    assert [module for module in modules if not (ROOT / module).is_file()] == []


def test_the_picture_of_the_readme_shows_what_the_built_in_model_finds() -> None:
    assert readme_picture.PICTURE.read_text(encoding="utf-8") == readme_picture.picture(Recognizer.load())


def test_the_screenshot_is_small_and_stands_in_both_readmes() -> None:
    picture = "docs/page.png"
    assert (ROOT / picture).read_bytes().startswith(b"\x89PNG")
    assert (ROOT / picture).stat().st_size < 100_000
    for name in ("README.md", "README.zh-CN.md"):
        assert f"]({picture})" in (ROOT / name).read_text(encoding="utf-8")
