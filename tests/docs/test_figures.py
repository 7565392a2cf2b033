"""The tables of figures are those of the committed run of the benchmark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import ROOT
from tools.bench.__main__ import DOCS, DOCUMENTS
from tools.bench.render import SECTION, read_report, with_sections
from tools.bench.tables import tables

PAGES = [
    *((document, DOCS / "benchmarks.json") for document in DOCUMENTS),
    (DOCS / "benchmarks-avx2.md", DOCS / "benchmarks-avx2.json"),
]


@pytest.mark.parametrize(("page", "run"), PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_tables_are_what_the_tool_renders_from_the_run(page: Path, run: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert SECTION.search(text)
    assert with_sections(text, tables(read_report(run))) == text


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_a_readme_has_no_figures_in_other_tables(name: str) -> None:
    text, rendered = SECTION.subn("", (ROOT / name).read_text(encoding="utf-8"))
    assert rendered == 1
    assert not [line for line in text.splitlines() if re.match(r"\|.*\d", line)]
