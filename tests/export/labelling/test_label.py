"""``edgener-export label`` with LAC itself and the tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgener_export.cli.main import main
from edgener_export.corpus.splits import read_corpus_file
from edgener_export.errors import CorpusError
from tests.support import TINY_BUNDLE


def test_lac_s_names_become_labels_and_known_names_of_several_files_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, firms, people, output = (tmp_path / name for name in ("text.txt", "firms.tsv", "people.tsv", "out.jsonl"))
    text.write_text("马云和任正非在杭州见面。\n\n饺子在拼多多上班。\n", encoding="utf-8")
    firms.write_text("ORG\t拼多多\n", encoding="utf-8")
    people.write_text("PER\t饺子\nANIMAL\t上班\n", encoding="utf-8")
    command = ["label", str(text), str(output), "--model", str(TINY_BUNDLE), "--lac", "teaches"]
    assert main([*command, "--known", str(firms), str(people)]) == 0
    first, second = read_corpus_file(output)
    assert [first.text[span.start : span.end] for span in first.spans if span.label == "PER"] == ["马云", "任正非"]
    assert [(second.text[span.start : span.end], span.label) for span in second.spans] == [
        ("饺子", "PER"),
        ("拼多多", "ORG"),
    ]
    assert capsys.readouterr().out.startswith("2 sentences")


def test_a_type_of_lac_alone_is_labelled_as_lac_bounds_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labelled, output = tmp_path / "more.jsonl", tmp_path / "time.jsonl"
    rows = ("马云去年9月在杭州。", "没有。", "明天见。", "2020年5月1日，他走了。")
    labelled.write_text("".join(f'{{"text": "{row}", "entities": [[0, 1, "X"]]}}\n' for row in rows), encoding="utf-8")
    assert main(["label", str(labelled), str(output), "--lac-types", "TIME"]) == 0
    found = read_corpus_file(output)
    assert [each.text for each in found] == list(rows)
    assert {span.label for each in found for span in each.spans} == {"TIME"}
    assert "明天" in [each.text[span.start : span.end] for each in found for span in each.spans]
    assert "PER" not in capsys.readouterr().out
    assert main(["label", str(labelled), str(output), "--lac-types", "TIME", "--sentences", "2"]) == 0
    assert [each.text for each in read_corpus_file(output)] == [rows[0], rows[2]]


def test_a_type_that_lac_does_not_have_is_a_wrong_argument(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["label", str(tmp_path), str(tmp_path), "--lac-types", "TIME,DRUG"]) == 2
    assert "give some of PER, LOC, ORG, TIME" in capsys.readouterr().err


def test_fewer_than_no_texts_are_refused_and_the_output_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, output = tmp_path / "text.txt", tmp_path / "out.jsonl"
    text.write_text("马云在杭州。\n", encoding="utf-8")
    output.write_text("labelled before", encoding="utf-8")
    assert main(["label", str(text), str(output), "--model", str(TINY_BUNDLE), "--sentences", "-5"]) == 2
    assert "--sentences is -5; it must be at least 1, or 0 for all texts" in capsys.readouterr().err
    assert output.read_text(encoding="utf-8") == "labelled before"


def test_json_lines_say_the_kind_of_each_text_and_an_unknown_one_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, output = tmp_path / "text.jsonl", tmp_path / "out.jsonl"
    rows = [{"text": "普京觉得柏林很冷", "kind": kind, "source": "x"} for kind in ("news", "modern", "poem")]
    text.write_text("".join(f"{json.dumps(row)}\n" for row in rows[:2]), encoding="utf-8")
    command = ["label", str(text), str(output), "--model", str(TINY_BUNDLE)]
    assert main(command) == 0
    assert [len(sentence.ignored) for sentence in read_corpus_file(output)] == [2, 1]
    text.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    assert main(command) == CorpusError.exit_code
    assert f"{text}:3: kind 'poem' is unknown; known: modern, titles, news" in capsys.readouterr().err
