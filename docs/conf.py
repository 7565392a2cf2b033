"""Configuration of the web site: `make docs` builds it from the pages of this folder, with warnings as errors."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "runtime"))

project = "edgener"
author = "the authors of edgener"
release = re.findall(r'__version__ = "(.+)"', (ROOT / "runtime/edgener/__init__.py").read_text(encoding="utf-8"))[0]
extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"edgener {release}"
html_copy_source = False
myst_heading_anchors = 3
nitpicky = True
nitpick_ignore_regex = [
    ("py:class", r"(collections|numpy|pathlib|edgener\.[a-z_]+)\..*|NDArray|Path|Iterable|Iterator|WordFile")
]
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_class_signature = "separated"
autodoc_default_options = {"members": True, "exclude-members": "__init__"}

LINK = re.compile(r"\]\(([\w/-]+)\.md\)")


def add_contents(_app: Sphinx, page: str, source: list[str]) -> None:
    """Append the side bar to the start page, which GitHub shows without it: the pages that each section links to."""
    if page == "index":
        for section in source[0].split("\n## ")[1:]:
            caption, _, text = section.partition("\n")
            pages = LINK.findall(text)
            source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(pages) + "\n```\n"


def setup(app: Sphinx) -> None:
    """Connect the side bar."""
    app.connect("source-read", add_contents)
