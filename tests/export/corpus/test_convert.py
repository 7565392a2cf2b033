"""``edgener-export convert`` and ``data``: lossless, in one step, and honest about what a file holds."""

from __future__ import annotations

import errno
import json
import lzma
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from edgener_export.cli.main import main
from edgener_export.corpus.formats import FORMATS, WRITABLE
from edgener_export.corpus.reading import read_labelled

TRAIN = "王 B-PER\n明 E-PER\n\n在 O\n京 S-LOC\n\n在 O\n京 O\n\n明 E-PER\n\n王 B-PER\n明 E-PER\n"
TEST = """\
{"text": "在京", "entities": [{"start": 1, "end": 2, "label": "LOC"}]}
{"text": "李明", "entities": [{"start": 0, "end": 2, "label": "PER"}]}
"""


@pytest.fixture
def train(tmp_path: Path) -> Path:
    path = tmp_path / "train.txt"
    path.write_text(TRAIN, encoding="utf-8")
    return path


def names_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


@pytest.mark.parametrize("name", WRITABLE)
def test_any_format_is_written_recognized_and_written_back(tmp_path: Path, train: Path, name: str) -> None:
    written = tmp_path / f"written{next(iter(FORMATS[name].suffixes), '')}"
    assert main(["convert", str(train), str(written), "--to", name]) == 0
    assert main(["convert", str(written), str(tmp_path / "back.jsonl")]) == 0
    assert read_labelled(tmp_path / "back.jsonl").sentences == read_labelled(train).sentences
    assert read_labelled(written).format == name or name in ("bioes", "bmes", "bilou")


def test_a_directory_is_written_in_one_step_or_not_at_all(
    tmp_path: Path, train: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "brat"
    assert main(["convert", str(train), str(target), "--to", "brat"]) == 0
    assert names_in(target) == {"00001.txt", "00001.ann", "annotation.conf"}
    assert main(["convert", str(train), str(target), "--to", "brat"]) == 4
    assert "exists, and brat is a directory; choose another path or delete it" in capsys.readouterr().err
    assert names_in(tmp_path) == {"brat", "train.txt"}


def test_a_format_that_can_only_be_read_is_no_target(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "a", "b", "--to", "weibo"]) == 2
    assert "invalid choice: 'weibo' (choose from" in capsys.readouterr().err


def test_the_target_format_follows_its_name(tmp_path: Path, train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(train), str(tmp_path / "train.jsonl.xz")]) == 0
    with lzma.open(tmp_path / "train.jsonl.xz", "rt", encoding="utf-8") as file:
        assert json.loads(file.readline())["text"] == "王明"
    assert main(["convert", str(tmp_path / "train.jsonl.xz"), str(tmp_path / "train.bio")]) == 0
    assert (tmp_path / "train.bio").read_text(encoding="utf-8").startswith("王 B-PER\n明 I-PER\n\n")
    said = capsys.readouterr().err
    assert "5 sentences, bioes to jsonl" in said
    assert "train.txt: broken tags that were mended: 1; edgener-export data" in said
    assert "train.txt:10: E-PER at the start: the name has no beginning" in said
    assert "5 sentences, jsonl to bio" in said


def test_a_file_may_be_converted_onto_itself(train: Path) -> None:
    assert main(["convert", str(train), str(train), "--to", "bilou"]) == 0
    assert read_labelled(train).format == "bilou"
    assert names_in(train.parent) == {"train.txt"}


def test_sentences_without_text_are_left_out_aloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text('{"text": "", "entities": []}\n{"text": "京", "entities": []}\n', encoding="utf-8")
    assert main(["convert", str(source), str(tmp_path / "b.txt")]) == 0
    assert "1 sentences without text were left out" in capsys.readouterr().err


@pytest.mark.parametrize("existing", [True, False])
def test_a_full_disk_changes_nothing(
    train: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], existing: bool
) -> None:
    target = train.parent / "out.txt"
    if existing:
        target.write_text("old")
    before = names_in(train.parent)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("edgener_export.corpus.convert.os.fsync", full)
    assert main(["convert", str(train), str(target)]) == 4
    assert "out.txt: cannot be written: No space left on device; nothing was changed" in capsys.readouterr().err
    assert names_in(train.parent) == before
    assert not existing or target.read_text() == "old"


@pytest.mark.parametrize("name", ["out.txt", "out.txt.xz"])
def test_a_write_that_stops_half_way_leaves_nothing(train: Path, name: str) -> None:
    """The operating system itself stops it: no file may be longer than 50 bytes."""
    script = (
        "import resource, sys; from edgener_export.cli.main import main; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50)); sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, "convert", str(train), str(train.with_name(name))]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 4
    assert f"{name}: cannot be written: File too large; nothing was changed" in finished.stderr
    assert names_in(train.parent) == {"train.txt"}


def test_a_place_that_takes_no_files_is_reported(train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(train), "/proc/out.txt"]) == 4
    assert "/proc/out.txt: cannot be written" in capsys.readouterr().err


def test_what_cannot_be_held_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text('{"text": "京\\n", "entities": []}\n', encoding="utf-8")
    assert main(["convert", str(source), str(tmp_path / "b.txt")]) == 32
    assert "sentence 1 has a line break" in capsys.readouterr().err
    assert names_in(tmp_path) == {"a.jsonl"}


def test_bad_input_ends_with_the_code_for_data(train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(train), str(train.with_name("out")), "--from", "bilou"]) == 32
    assert "train.txt:2: tag E-PER does not belong to the scheme bilou" in capsys.readouterr().err
    assert main(["data", str(train.with_name("missing"))]) == 32


def test_data_counts_and_lists_places(train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test = train.with_name("test.jsonl")
    test.write_text(TEST, encoding="utf-8")
    assert main(["data", str(train), "--against", str(test), "--json"]) == 0
    no_files = {"file": "", "first_file": ""}
    assert json.loads(capsys.readouterr().out) == {
        "file": str(train),
        "format": "bioes",
        "sentences": 5,
        "characters": 9,
        "longest": 2,
        "without_entity": 1,
        "entities": {"LOC": 1, "PER": 3},
        "single_character": 2,
        "names": {"LOC": 1, "PER": 2},
        "duplicates": [
            {"line": 7, "first_line": 4, "same_entities": False, **no_files},
            {"line": 12, "first_line": 1, "same_entities": True, **no_files},
        ],
        "troubles": [
            {
                "line": 10,
                "reason": "E-PER at the start: the name has no beginning",
                "kind": "broken tags",
                "file": "",
            }
        ],
        "against": str(test),
        "against_sentences": 2,
        "overlap": [{"line": 1, "first_line": 4, "same_entities": True, **no_files}],
        "unseen_names": {"LOC": 0, "PER": 1},
    }


def test_data_as_a_table_shows_the_first_lines_of_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "train.txt"
    path.write_text("京 B-LOC\n\n" * 20, encoding="utf-8")
    assert main(["data", str(path), "--from", "bmes"]) == 0
    table = capsys.readouterr().out
    assert "20, at most 1 in a sentence" in table
    assert "19 sentences, 0 of them with other entities" in table
    assert (
        "  line 21          as line 1\n  …                9 more; --json lists them all\nbroken tags        20\n"
        in table
    )
    assert "the end after B-LOC: the name has no end" in table


def test_the_command_of_a_remark_lists_every_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "my train.txt"
    path.write_bytes("京 B-地\n\n".encode("gb18030") * 20)
    options = ["--from", "bmes", "--encoding", "gb18030"]
    assert main(["convert", str(path), str(tmp_path / "out.jsonl"), *options]) == 0
    (remark,) = [line for line in capsys.readouterr().err.splitlines() if "lists them" in line]
    program, *arguments = shlex.split(remark.rpartition("; ")[2].removesuffix(" lists them"))
    assert program == "edgener-export"
    assert main(arguments) == 0
    assert len(json.loads(capsys.readouterr().out)["troubles"]) == 20


def test_a_closed_pipe_ends_quietly(train: Path) -> None:
    command = [sys.executable, "-m", "edgener_export", "data", str(train)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141
