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
nitpick_ignore_regex = [("py:class", r"(collections|numpy|pathlib|edgener\.[a-z]+)\..*|NDArray|Path|Iterable|Iterator")]
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_class_signature = "separated"
autodoc_default_options = {"members": True, "exclude-members": "__init__"}

CONTENTS = {
    "Use it": (
        "python-api",
        "cli",
        "operator-rules",
        "corpora",
        "serving",
        "devices",
        "deployment",
        "models",
        "quality",
        "guideline",
        "troubleshooting",
    ),
    "Make a model": (
        "your-own-types",
        "training",
        "choosing-a-model",
        "data-formats",
        "recipe",
        "quantization",
        "bundle",
    ),
    "Look behind it": ("architecture", "reference", "benchmarks", "benchmarks-avx2", "experiments"),
    "中文": ("zh/quick-start", "zh/your-own-types", "zh/serving", "zh/choosing-a-model"),
}
"""Pages of the side bar, by heading."""


def add_contents(_app: Sphinx, page: str, source: list[str]) -> None:
    """Append the side bar to the start page, which GitHub shows without it."""
    if page == "index":
        for caption, pages in CONTENTS.items():
            source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(pages) + "\n```\n"


def setup(app: Sphinx) -> None:
    """Connect the side bar."""
    app.connect("source-read", add_contents)
