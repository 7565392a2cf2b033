"""Every link inside the repository leads to a file that there is, and to a heading in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import BLOCK, PAGES, name

LINK = re.compile(r"\]\((?!https?:|mailto:)(?P<path>[^)#\s]*)(?:#(?P<heading>[^)\s]+))?\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.finditer(text):
        target = (page.parent / link["path"]).resolve() if link["path"] else page
        assert target.exists(), link[0]
        if link["heading"]:
            assert link["heading"] in anchors(target), link[0]


def anchors(page: Path) -> set[str]:
    """Return the names that GitHub and the web site give to the headings of a page."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    return {NOT_IN_ANCHORS.sub("", heading).lower().replace(" ", "-") for heading in HEADING.findall(text)}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_installation_is_from_the_repository(page: Path) -> None:
    assert not re.search(r"pip install '?edgener", page.read_text(encoding="utf-8")), "no package index has it"
