"""Formats for annotation tools, as the command line writes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgener import Recognizer
from tests.support import run_tiny

TEXT = "😀王小明在青山大学工作。"


def test_doccano_counts_utf_16_units() -> None:
    (row,) = run_tiny("--format", "doccano", TEXT).rows
    assert row == {"text": TEXT, "label": [[2, 5, "PER"], [6, 10, "ORG"]]}


def test_label_studio_gets_predictions_with_scores(recognizer: Recognizer) -> None:
    scores = [round(entity.score, 4) for entity in recognizer(TEXT)]
    values = [
        {"start": 2, "end": 5, "text": "王小明", "labels": ["PER"]},
        {"start": 6, "end": 10, "text": "青山大学", "labels": ["ORG"]},
    ]
    results = [
        {"from_name": "label", "to_name": "text", "type": "labels", "score": score, "value": value}
        for score, value in zip(scores, values, strict=True)
    ]
    assert json.loads(run_tiny("--format", "label-studio", TEXT).output) == [
        {"data": {"text": TEXT}, "predictions": [{"model_version": "edgener", "result": results}]}
    ]
    assert all(0.5 < score <= 1 for score in scores)


def test_hugging_face_gets_a_tag_for_each_character() -> None:
    (row,) = run_tiny("--format", "hf", "王小明，").rows
    assert row == {"tokens": list("王小明，"), "ner_tags": ["B-PER", "I-PER", "I-PER", "O"]}


@pytest.mark.parametrize("output_format", ["label-studio", "spacy"])
@pytest.mark.parametrize("threads", ["1", "3"])
def test_documents_of_all_files_are_one_array(tmp_path: Path, output_format: str, threads: str) -> None:
    one, other, empty = (tmp_path / name for name in ("one.txt", "other.txt", "empty.txt"))
    one.write_text(f"{TEXT}\n" * 40, encoding="utf-8")
    other.write_text("\n王小明。\n", encoding="utf-8")
    empty.write_text("", encoding="utf-8")
    files = [option for path in (empty, one, empty, other) for option in ("--file", str(path))]
    finished = run_tiny("--format", output_format, "--threads", threads, *files)
    assert finished.code == 0
    assert len(json.loads(finished.output)) == 42
    assert json.loads(run_tiny("--format", output_format, "--file", str(empty)).output) == []


def test_brat_describes_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "doc.txt"
    path.write_bytes("王小明走了。\r\n他在青山大学工作。\n".encode())
    expected = "T1\tPER 0 3\t王小明\nT2\tORG 10 14\t青山大学\n"
    assert run_tiny("--format", "brat", "--threads", "2", "--file", str(path)).output.decode() == expected
    assert run_tiny("--format", "brat", stdin=path.read_bytes()).output.decode() == expected
    finished = run_tiny("--format", "brat", "--file", str(path), "--file", str(path))
    assert finished.code == 2
    assert "--format brat describes one file; run edgener once for each" in finished.errors
