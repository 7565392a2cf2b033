"""The lint for docstrings finds fragments wherever a docstring may stand, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.lint_docstrings import fragments, main

SOURCE = '''\
"""What a module is."""
LIMIT = 3
"""For each row."""

class Row:
    """Of a table."""

    def read(self):
        """
        In order.
        """
        pattern = "As it is"
        return "What it says"
'''


def test_docstrings_of_modules_constants_classes_and_functions_are_found() -> None:
    assert sorted(fragments(SOURCE)) == [
        (1, "What a module is."),
        (3, "For each row."),
        (6, "Of a table."),
        (9, "In order."),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Offsets of a row.",
        "Input of a row.",
        "Tokens.",
        "Return what was read.",
        "Asset.",
        "Soft labels.",
        "Shape [rows].",
    ],
)
def test_words_that_only_begin_like_a_fragment_are_no_fragment(text: str) -> None:
    assert list(fragments(f'"""{text}"""\n')) == []


@pytest.mark.parametrize(
    "text", ["Those of a row.", "How it is read.", "Through ``read``.", "[rows, tokens]", "(row, text) of all."]
)
def test_a_docstring_that_leans_on_its_neighbour_is_a_fragment(text: str) -> None:
    assert list(fragments(f'"""{text}"""\n')) == [(1, text)]


def test_a_fragment_is_named_with_its_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "room").mkdir()
    path = tmp_path / "room" / "table.py"
    path.write_text('"""A table."""\nROWS = 3\n"""Of the table."""\n', encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out == f"{path}:3: docstring begins as a fragment: Of the table.\n"
    path.write_text('"""A table."""\n', encoding="utf-8")
    assert main([str(path)]) == 0
