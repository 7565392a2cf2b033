"""The service's page is small, valid, takes nothing from elsewhere, and obeys a policy without inline code."""

from __future__ import annotations

import re

import pytest

from edgener.html_page import STYLE_SHEET
from tests.html_tree import attributes, elements, parsed

PAGE = STYLE_SHEET.parent
MOST_BYTES = 12 * 1024
FILES = {path.name: path.read_text(encoding="utf-8") for path in sorted(PAGE.iterdir())}
TREE = parsed(FILES["index.html"])
INLINE = re.compile("^(on.*|style)$")
ELSEWHERE = re.compile(r"(https?:)?//\w|url\(|@import|\bimport\b|eval\(|new Function")


def test_there_are_three_files_of_12_kib_together() -> None:
    assert list(FILES) == ["index.html", "page.css", "page.js"]
    assert sum((PAGE / name).stat().st_size for name in FILES) <= MOST_BYTES


def test_the_page_is_valid_html() -> None:
    parsed(FILES["index.html"], strict=True)
    ids = [attributes(element)["id"] for element in elements(TREE, "[id]")]
    assert len(set(ids)) == len(ids)
    for element in elements(TREE, "*"):
        for name in ("for", "aria-labelledby"):
            assert attributes(element).get(name, ids[0]) in ids


@pytest.mark.parametrize("name", FILES)
def test_a_file_names_no_other_place(name: str) -> None:
    assert ELSEWHERE.findall(FILES[name]) == []


def test_the_page_loads_its_own_files_from_where_it_lies() -> None:
    loaded = [attributes(element)[name] for name in ("src", "href") for element in elements(TREE, f"[{name}]")]
    assert loaded == ["page.js", "page.css"]
    asked = re.findall(r"(?:fetch|ask)\(\"([^\"]*)\"", FILES["page.js"])
    assert sorted(asked) == ["info", "page.css", "v1/ner"]


def test_no_code_and_no_style_stands_in_the_page() -> None:
    assert [name for element in elements(TREE, "*") for name in attributes(element) if INLINE.match(name)] == []
    assert elements(TREE, "style") == []
    assert [script.to_text() for script in elements(TREE, "script")] == [""]
    assert "style=" not in FILES["page.js"]


def test_every_element_that_the_program_names_is_on_the_page() -> None:
    named = set(re.findall(r"\$\(\"(\w+)\"\)", FILES["page.js"]))
    assert len(named) > 10
    assert [name for name in named if not elements(TREE, f"#{name}")] == []


def test_every_text_on_the_page_has_a_translation() -> None:
    leaves = [element for element in elements(TREE, "body *") if not elements(element, "*") and element.to_text()]
    untranslated = [element.to_text() for element in leaves if "data-zh" not in attributes(element)]
    assert [
        text for text in untranslated if not re.search("^(edgener|JSONL|CoNLL|HTML)$|王小明|JavaScript", text)
    ] == []
