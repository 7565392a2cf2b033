"""Refuse docstrings that begin as a fragment, such as "Of the project." or "What is measured.".

    python tools/lint_docstrings.py runtime export edge tools tests

A docstring is a sentence that stands alone: readers see it in an editor, far from the name that it belongs to. Strings
under an assignment, which document a field or a constant, count as docstrings too. Ruff has no rule for this.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

FRAGMENT = re.compile(
    r"(?:Of|As|By|That|What|Where|Whether|Which|How|Those|So|Nor|For|From|In|To|With|Through|Between|Likewise)\b|[\[(]"
)
"""Words that begin no sentence about the thing itself, and a shape without a word."""


class Fragment(NamedTuple):
    """A docstring that begins as a fragment."""

    line: int
    """Line of the file, from 1."""
    text: str
    """First line of the docstring."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print each fragment in the given files and folders as FILE:LINE; return 1 if there are any, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, help="Python files, or folders of them")
    paths: list[Path] = parser.parse_args(arguments).paths
    found = False
    for path in sorted(file for given in paths for file in (given.rglob("*.py") if given.is_dir() else [given])):
        for fragment in fragments(path.read_text(encoding="utf-8")):
            print(f"{path}:{fragment.line}: docstring begins as a fragment: {fragment.text}")
            found = True
    return int(found)


def fragments(source: str) -> Iterator[Fragment]:
    """Find the docstrings of a Python source that begin as a fragment, in no particular order."""
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            for statement in body:
                match statement:
                    case ast.Expr(value=ast.Constant(value=str(text))) if FRAGMENT.match(text.strip()):
                        yield Fragment(statement.lineno, text.strip().splitlines()[0])


if __name__ == "__main__":
    sys.exit(main())
