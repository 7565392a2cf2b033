"""Columns of text."""

from __future__ import annotations

from edgener.table import table


def test_columns_are_as_wide_as_their_widest_cell_and_lines_end_with_their_text() -> None:
    assert table([("a", "bcd", "e"), ("fgh", "i", "")]) == "a    bcd  e\nfgh  i\n"


def test_ideographs_take_two_columns_and_marks_none() -> None:
    assert table([("药品", "1"), ("é\u0301a", "2"), ("abcd", "3")]) == "药品  1\né\u0301a    2\nabcd  3\n"


def test_no_rows_are_no_lines() -> None:
    assert table([]) == ""
