"""Selection prefers what the model does not know, and sentences that differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgener import Recognizer
from edgener_export.cli.main import main
from edgener_export.labelling.select import Candidate, candidates, diverse, uncertainty
from tests.support import TINY_BUNDLE, labelled_texts

KNOWN = [row.text for row in labelled_texts()[:30]]
STRANGE = ["Zürich ist schön und groß", "ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ ᠤᠨ", "qwx zvb jjk ppl"]


def test_certain_logits_have_no_uncertainty_and_even_ones_the_most() -> None:
    certain, even = np.array([[50.0, 0.0, 0.0]], dtype=np.float32), np.zeros((1, 3), dtype=np.float32)
    assert uncertainty([certain]) == pytest.approx(0)
    assert uncertainty([even]) == pytest.approx(np.log(3))
    assert uncertainty([certain, even]) == pytest.approx(np.log(3) / 2)  # the mean over tokens, not their sum
    assert uncertainty([]) == 0


def test_sentences_that_the_model_knows_are_left_for_those_that_it_does_not(recognizer: Recognizer) -> None:
    doubts = {text: uncertainty(recognizer.logits(text)) for text in [*KNOWN, *STRANGE]}
    expected = sorted(doubts, key=lambda text: -doubts[text])[:5]
    found = candidates([*KNOWN, *STRANGE, "", " ", *KNOWN], recognizer, 5)
    assert [candidate.text for candidate in found] == expected
    assert [candidate.uncertainty for candidate in found] == sorted(doubts.values(), reverse=True)[:5]


def test_a_sentence_that_is_like_a_chosen_one_waits_for_others() -> None:
    found = [
        Candidate(1.0, 0, "王小明在北京大学工作"),
        Candidate(0.9, 1, "王小明在北京大学学习"),
        Candidate(0.5, 2, "天气预报说明天下雨"),
    ]
    assert [it.number for it in diverse(found, 2, 0.5)] == [0, 2]
    assert [it.number for it in diverse(found, 2, 0.0)] == [0, 1]
    assert [it.number for it in diverse(found, 9, 0.5)] == [0, 2, 1]
    assert list(diverse([], 3, 0.5)) == []


def test_the_command_is_the_same_each_time_and_reads_a_text_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "posts.txt"
    path.write_text("\n".join([*KNOWN, *STRANGE, *KNOWN]) + "\n", encoding="utf-8")
    arguments = ["select", str(path), "--model", str(TINY_BUNDLE), "--number", "4"]
    assert main(arguments) == 0
    first = capsys.readouterr().out
    assert main(arguments) == 0
    assert capsys.readouterr().out == first
    assert len(set(first.splitlines())) == 4
    assert main([*arguments[:-1], "99", "--scores"]) == 0
    shown = capsys.readouterr()
    assert "has only 33 different sentences" in shown.err
    assert {line.partition("\t")[2] for line in shown.out.splitlines()} == {*KNOWN, *STRANGE}


def test_a_text_in_another_encoding_is_read_where_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "posts.txt"
    path.write_bytes(f"{KNOWN[0]}\n".encode("gb18030"))
    arguments = ["select", str(path), "--model", str(TINY_BUNDLE), "--number", "1"]
    assert main(arguments) == 32
    assert "name the encoding it has, such as --encoding gb18030" in capsys.readouterr().err
    assert main([*arguments, "--encoding", "gb18030"]) == 0
    assert capsys.readouterr().out == f"{KNOWN[0]}\n"


def test_half_a_surrogate_pair_is_written_as_the_replacement_character_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text('{"text": "好\\ud83d"}\n', encoding="utf-8")
    assert main(["select", str(path), "--model", str(TINY_BUNDLE), "--number", "1"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "好\ufffd\n"
    assert "1 of the chosen texts hold half a surrogate pair" in printed.err


@pytest.mark.parametrize("option", [["--number", "0"], ["--diversity", "1.5"]])
def test_numbers_that_make_no_sense_are_refused(option: list[str], tmp_path: Path) -> None:
    assert main(["select", str(tmp_path / "x.txt"), *option]) == 2


def test_json_lines_are_chosen_by_their_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "王小明在青山大学工作。", "id": 7}\n\n', encoding="utf-8")
    assert main(["select", str(rows), "--model", str(TINY_BUNDLE), "--number", "1"]) == 0
    assert capsys.readouterr().out == "王小明在青山大学工作。\n"


def test_a_text_with_line_breaks_stays_one_line_and_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "王小明\\n在北京"}\n{"text": "李娜"}\n', encoding="utf-8")
    assert main(["select", str(path), "--number", "2", "--model", str(TINY_BUNDLE)]) == 0
    printed = capsys.readouterr()
    assert sorted(printed.out.splitlines()) == ["李娜", "王小明 在北京"]
    assert "1 of the chosen texts hold line breaks, which are written as blanks" in printed.err


def test_a_file_without_text_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("\n \n", encoding="utf-8")
    assert main(["select", str(empty), "--model", str(TINY_BUNDLE)]) == 32
    assert f"{empty}: holds no text" in capsys.readouterr().err
