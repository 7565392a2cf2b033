"""The pages of the documentation, and the code blocks in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from tests.support import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
"""Every Markdown page that people read; bundles have model cards of their own."""
BLOCK = re.compile(r"^```(?P<language>\w+)[^\n]*\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
COMMENT = re.compile(r"\s+#.*")


class Block(NamedTuple):
    """A fenced block of code."""

    language: str
    code: str
    output: str | None
    """Text of the ``text`` block that follows with nothing but blank lines between; None without one."""
    line: int
    """Line of the page on which the block begins, from 1."""


class Command(NamedTuple):
    """A command of a console block."""

    line: str
    """The command without its prompt and its comment."""
    output: str
    """Lines that the page shows under it; empty if it shows none."""


def blocks(page: Path) -> Iterator[Block]:
    """Find the fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = list(BLOCK.finditer(text))
    for match, following in zip_longest(found, found[1:]):
        is_followed = following and not text[match.end() : following.start()].strip()
        output = following["code"] if is_followed and following["language"] == "text" else None
        yield Block(match["language"], match["code"], output, text.count("\n", 0, match.start()) + 1)


def commands(page: Path) -> Iterator[Command]:
    """Find the commands of a page's console blocks, in order."""
    for block in blocks(page):
        if block.language == "console":
            for part in re.split(r"^\$ ", block.code, flags=re.MULTILINE)[1:]:
                line, _, output = part.partition("\n")
                yield Command(COMMENT.sub("", line), output)


def name(page: Path) -> str:
    """Return a page's path inside the repository, as the name of a test."""
    return str(page.relative_to(ROOT))
