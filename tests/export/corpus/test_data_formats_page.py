"""The examples of docs/data-formats.md are read from the page, so that it cannot lie."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from edgener.tags import Span
from edgener_export.corpus.formats import FORMATS, WRITABLE
from edgener_export.corpus.labelled_file import BROKEN, LEFT_OUT
from edgener_export.corpus.reading import read_labelled
from edgener_export.corpus.sentence import Sentence
from edgener_export.recipe.settings import DataSettings, keys_of
from tests.support import ROOT

PAGE = (ROOT / "docs" / "data-formats.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- (\w+):? ?(.*?) -->\n```(\w+)\n(.*?)```\n", re.DOTALL)
WANG = Sentence("王小明在北京", (Span(0, 3, "PER"), Span(4, 6, "LOC")))


class Block(NamedTuple):
    """A block of the page with what the comment before it says."""

    kind: str
    about: str
    language: str
    content: str


BLOCKS = [Block(*found) for found in BLOCK.findall(PAGE)]
EXAMPLES = [block for block in BLOCKS if block.kind == "example"]


def put(block: Block, directory: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the file of a block: its text, or what its Python code writes."""
    if block.language == "python":
        monkeypatch.chdir(directory)
        exec(compile(block.content, "docs/data-formats.md", "exec"), {})
    else:
        (directory / name).write_text(block.content, encoding="utf-8")


@pytest.mark.parametrize("block", EXAMPLES, ids=[block.about for block in EXAMPLES])
def test_each_example_is_recognized_and_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: Block
) -> None:
    name, file = block.about.split(", ")
    put(block, tmp_path, file, monkeypatch)
    following = BLOCKS[BLOCKS.index(block) + 1 :][:1]
    if following and following[0].kind == "beside":
        put(following[0], tmp_path, following[0].about, monkeypatch)
    for format_name in ("auto", name):
        reading = read_labelled(tmp_path / file, format_name)
        assert reading.format == name
        assert reading.sentences == [WANG]
        assert [trouble for trouble in reading.troubles if trouble.kind != "note"] == []


def test_every_format_has_an_example_or_a_row_of_the_table_of_schemes() -> None:
    shown = {block.about.split(", ")[0] for block in EXAMPLES}
    schemes = {"iob1", "bmes", "bilou"}
    assert shown | schemes == set(FORMATS)
    assert all(f"| `{scheme}` |" in PAGE for scheme in schemes)


def test_the_table_says_which_formats_are_written() -> None:
    rows = re.findall(r"^\| (`.+`) \|.*\| (yes|no)\b.*\|$", PAGE, re.MULTILINE)
    written = {name: said == "yes" for names, said in rows for name in re.findall(r"`(.+?)`", names)}
    assert written == {name: name in WRITABLE for name in FORMATS}


def test_broken_tags_are_read_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = (block for block in BLOCKS if block.kind == "broken")
    put(block, tmp_path, "broken.txt", monkeypatch)
    reading = read_labelled(tmp_path / "broken.txt")
    assert (reading.format, reading.sentences) == ("bmes", [WANG])
    assert [(trouble.line, trouble.kind) for trouble in reading.troubles] == [(1, BROKEN), (6, BROKEN)]


def test_the_longest_of_overlapping_entities_is_kept_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = (block for block in BLOCKS if block.kind == "overlap")
    put(block, tmp_path, "overlap.jsonl", monkeypatch)
    reading = read_labelled(tmp_path / "overlap.jsonl")
    assert reading.sentences == [Sentence("北京大学", (Span(0, 4, "ORG"),))]
    assert [(trouble.line, trouble.kind) for trouble in reading.troubles] == [(1, LEFT_OUT)]


def test_the_page_names_the_settings_of_a_recipe() -> None:
    recipe = PAGE.partition("```toml\n[data]\n")[2].partition("```")[0]
    named = dict(re.findall(r'^(\w+) = (?:\[|\{ \w+ = )?"(.+?)"', recipe, re.MULTILINE))
    defaults = {key.name: key.default for key in keys_of(DataSettings)}
    assert set(named) == set(defaults) - {"corpus", "limit"}
    assert {name: named[name] for name in ("format", "encoding", "offsets")} == {
        name: defaults[name] for name in ("format", "encoding", "offsets")
    }
