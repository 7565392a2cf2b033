"""The table of score bands counts right and wrong answers at or above each threshold."""

from __future__ import annotations

from tools.score_bands import Answer, bands_table


def test_shares_are_of_all_right_and_of_all_wrong_answers() -> None:
    answers = [Answer(0.96, True), Answer(0.85, True), Answer(0.2, True), Answer(0.2, True), Answer(0.85, False)]
    rows = bands_table(answers).splitlines()[2:]
    assert rows[0] == "| 0.00 | 100.0 % | 100.0 % | 80.0 % |"
    assert "| 0.85 | 50.0 % | 100.0 % | 66.7 % |" in rows
    assert "| 0.90 | 25.0 % | 0.0 % | 100.0 % |" in rows


def test_a_band_without_answers_is_a_dash() -> None:
    assert bands_table([]).splitlines()[-1] == "| 0.99 | – | – | – |"
