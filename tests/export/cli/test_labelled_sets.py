"""Commands that score bundles on labelled data read it as their options say, and tell what was left out of it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from edgener_export.cli.main import main
from edgener_export.corpus.formats import jsonl
from edgener_export.corpus.splits import read_corpus_file
from tests.support import TINY_BUNDLE, TINY_TEST

MODEL = str(TINY_BUNDLE)
THREADS = ["--threads", "1"]


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """A directory of one set in GB 18030, of which two nested names are left out."""
    folder = tmp_path / "sets"
    folder.mkdir()
    rows = []
    for number, sentence in enumerate(read_corpus_file(TINY_TEST)):
        entities = [(start, end, label) for start, end, label in sentence.spans[: None if number % 3 else 1]]
        if number in (1, 2):
            entities.append((entities[0][0], entities[0][0] + 1, "PER"))
        rows.append(json.dumps({"text": sentence.text, "entities": entities}, ensure_ascii=False) + "\n")
    (folder / "gold.jsonl").write_bytes("".join(rows).encode("gb18030"))
    return folder


@pytest.mark.parametrize(
    ("command", "is_file"),
    [
        (["evaluate", MODEL, "--test", "DATA"], True),
        (["evaluate", MODEL, "--test", "DATA", "--train", "DATA"], True),
        (["evaluate", MODEL, "--suite", "DATA"], False),
        (["compare", MODEL, MODEL, "DATA"], True),
        (["compare", MODEL, MODEL, "DATA"], False),
        (["calibrate", MODEL, "DATA", "--dry-run"], True),
        (["calibrate", MODEL, "DATA", "--dry-run"], False),
        (["calibrate", MODEL, "DATA", "--held-out", "DATA", "--dry-run"], False),
    ],
    ids=lambda value: "-".join(Path(part).name.strip("-") for part in value) if isinstance(value, list) else str(value),
)
def test_what_is_left_out_of_the_data_is_told(
    sets: Path, command: list[str], is_file: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(sets / "gold.jsonl" if is_file else sets)
    arguments = [data if part == "DATA" else part for part in command]
    assert main([*arguments, "--encoding", "gb18030", *THREADS]) == 0
    told = capsys.readouterr().err
    assert told.count(f"{sets / 'gold.jsonl'}: left out: 2; edgener-export data") == command.count("DATA")
    assert "overlaps a longer name and is left out" in told


def test_data_tells_what_is_left_out_of_the_other_file(sets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(sets / "gold.jsonl")
    assert main(["data", file, "--against", file, "--encoding", "gb18030", "--json"]) == 0
    assert "gold.jsonl: left out: 2" in capsys.readouterr().err


def test_white_space_at_the_ends_of_entities_is_told_when_they_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "drugs.jsonl"
    file.write_text('{"text": "服 头孢", "entities": [[1, 4, "DRUG"]]}\n', encoding="utf-8")
    assert main(["data", str(file)]) == 0
    assert f"{file}: 1 entities or their types begin or end with white space" in capsys.readouterr().err


def test_offsets_and_format_hold_for_a_directory_of_sets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "😀王明", "entities": [[2, 4, "PER"]]}\n', encoding="utf-8")
    command = ["evaluate", MODEL, "--suite", str(tmp_path), *THREADS]
    assert main(command) == 32
    assert main([*command, "--offsets", "utf-16"]) == 0
    assert main([*command, "--from", "bio"]) == 32
    assert "expected a token" in capsys.readouterr().err


def test_a_brat_directory_with_json_lines_in_it_is_one_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("王明\n", encoding="utf-8")
    (tmp_path / "a.ann").write_text("T1\tPER 0 2\t王明\n", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text("{}\n", encoding="utf-8")
    assert main(["compare", MODEL, MODEL, str(tmp_path), "--from", "brat", *THREADS]) == 0
    assert capsys.readouterr().out.count("no significant difference") == 1


def test_a_set_without_entities_is_not_scored_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jsonl.write(read_corpus_file(TINY_TEST)[:5], tmp_path / "some.jsonl")
    (tmp_path / "none.jsonl").write_text('{"text": "王小明来了", "entities": []}\n', encoding="utf-8")
    assert main(["evaluate", MODEL, "--suite", str(tmp_path), *THREADS]) == 0
    shown = capsys.readouterr()
    assert [line.split()[0] for line in shown.out.splitlines()[1:]] == ["some", "mean"]
    assert shown.out.splitlines()[-1].split()[1] == shown.out.splitlines()[-2].split()[3]
    assert "not scored, as no sentence has an entity: none" in shown.err
    (tmp_path / "some.jsonl").unlink()
    assert main(["evaluate", MODEL, "--suite", str(tmp_path), *THREADS]) == 32
    assert "no set has an entity" in capsys.readouterr().err


def test_sets_are_told_apart_by_all_of_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = read_corpus_file(TINY_TEST)
    files = [tmp_path / "news.2023.jsonl", tmp_path / "news.2024.jsonl"]
    for number, file in enumerate(files):
        jsonl.write(rows[10 * number : 10 * number + 5 + number], file)
    assert main(["evaluate", MODEL, "--suite", str(tmp_path), *THREADS]) == 0
    cells = [line.split()[:2] for line in capsys.readouterr().out.splitlines()[1:3]]
    assert cells == [["news.2023", "5"], ["news.2024", "6"]]
    assert main(["compare", MODEL, MODEL, *map(str, files), "--show", "0", *THREADS]) == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()[1:3]] == cells


@pytest.mark.parametrize("option", [["--from", "bio"], ["--encoding", "gb18030"], ["--offsets", "bytes"]])
def test_evaluate_refuses_to_be_told_how_to_read_no_file(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", MODEL, *option]) == 2
    assert "name it with --test" in capsys.readouterr().err


def test_fewer_changes_than_none_cannot_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", MODEL, MODEL, str(TINY_TEST), "--show", "-1"]) == 2
    assert "--show is -1; it must be at least 0" in capsys.readouterr().err


def test_a_pipe_is_named_with_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    kept_open = os.open(pipe, os.O_RDWR)
    assert main(["select", str(pipe), "--model", MODEL]) == 32
    os.close(kept_open)
    told = f"edgener-export: {pipe}: is a pipe, which cannot be read twice; write it to a file, and name that\n"
    assert capsys.readouterr().err.endswith(told)


def test_sets_of_one_name_from_two_directories_are_called_by_their_paths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
        for name in ("news", folder):
            shutil.copyfile(TINY_TEST, tmp_path / folder / f"{name}.jsonl")
    folders = [str(tmp_path / "old"), str(tmp_path / "new")]
    assert main(["compare", MODEL, MODEL, *folders, "--json", *THREADS]) == 0
    compared = [one["data"] for one in json.loads(capsys.readouterr().out)]
    assert compared == [str(tmp_path / "old/news"), "old", "new", str(tmp_path / "new/news")]
