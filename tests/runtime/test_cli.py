"""The command line: what goes in, what comes out, and the exit codes of what people get wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgener import Recognizer, __version__
from edgener.built_in import DEFAULT_BUNDLE
from edgener.bundle import load_bundle
from edgener.installed import install
from edgener.output_formats import FORMATS
from tests.support import TINY_BUNDLE, labelled_texts, run_main, run_tiny

TEXTS = [row.text for row in labelled_texts()]
TEXT = "王小明在青山大学工作。"


def test_texts_as_arguments(recognizer: Recognizer) -> None:
    finished = run_tiny(TEXT, "", TEXTS[0])
    assert finished.code == 0
    assert finished.errors == ""
    assert [row["line"] for row in finished.rows] == [1, 2, 3]
    for row, text in zip(finished.rows, [TEXT, "", TEXTS[0]], strict=True):
        expected = [{**entity.to_dict(), "score": round(entity.score, 4)} for entity in recognizer(text)]
        assert row == {"line": row["line"], "entities": expected}


def test_lines_of_standard_input() -> None:
    finished = run_tiny(stdin=f"{TEXT}\r\n\n{TEXT}".encode())
    assert [(row["line"], len(row["entities"])) for row in finished.rows] == [(1, 2), (2, 0), (3, 2)]


def test_lines_of_files_and_standard_input_among_them(tmp_path: Path) -> None:
    first, second = tmp_path / "一.txt", tmp_path / "two.txt"
    first.write_text(f"{TEXT}\n{TEXT}\n", encoding="utf-8")
    second.write_bytes(b"")
    finished = run_tiny("--file", str(first), "--file", "-", "--file", str(second), stdin=TEXT.encode())
    assert [(row["file"], row["line"]) for row in finished.rows] == [(str(first), 1), (str(first), 2), ("-", 1)]


def test_wrapped_files_are_documents_with_offsets_from_their_start(tmp_path: Path) -> None:
    text = "王小明在青山大\r\n学工作。\n\n李\n娜来了。\n"
    path = tmp_path / "wrapped.txt"
    path.write_bytes(text.encode())
    rows = [
        *run_tiny("--join-lines", text).rows,
        *run_tiny("--join-lines", stdin=text.encode()).rows,
        *run_tiny("--join-lines", "--file", str(path)).rows,
    ]
    assert [row["line"] for row in rows] == [1, 1, 1]
    for row in rows:
        assert [entity["text"] for entity in row["entities"]] == ["王小明", "青山大\r\n学", "李\n娜"]
        assert all(text[entity["start"] : entity["end"]] == entity["text"] for entity in row["entities"])
    assert run_tiny("--join-lines", "--format", "conll", text).output.decode().count("\n") == len(text) + 1


def test_the_command_line_offers_every_format() -> None:
    for name in FORMATS:
        assert run_tiny("--format", name, TEXT).output.decode().count("青") >= 1
    assert f"{{{','.join(FORMATS)}}}" in run_tiny("--help").output.decode()


def test_formats_of_the_same_text() -> None:
    assert run_tiny("--format", "text", TEXT).output.decode() == "[王小明/PER]在[青山大学/ORG]工作。\n"
    conll = run_tiny("--format", "conll", TEXT).output.decode()
    assert conll.startswith("王 B-PER\n小 I-PER\n明 I-PER\n在 O\n")
    assert conll.endswith("。 O\n\n")


def test_uncertain_entities_can_be_left_out() -> None:
    scores = [entity["score"] for row in run_tiny(*TEXTS).rows for entity in row["entities"]]
    certain = [entity["score"] for row in run_tiny("--min-score", "0.99005", *TEXTS).rows for entity in row["entities"]]
    assert certain == [score for score in scores if score > 0.99005]
    assert 0 < len(certain) < len(scores)


def test_bytes_that_are_no_utf8_are_kept_and_told_once() -> None:
    line = TEXT.encode() + b"\xff\xfe\n"
    finished = run_tiny("--format", "text", stdin=line * 3)
    assert finished.code == 0
    assert finished.output == ("[王小明/PER]在[青山大学/ORG]工作。".encode() + b"\xff\xfe\n") * 3
    assert finished.errors.count("not UTF-8") == 1


def test_options_do_not_change_the_answers() -> None:
    plain = run_tiny(*TEXTS)
    spans = [[(e["start"], e["end"], e["label"]) for e in row["entities"]] for row in plain.rows]
    for options in (["--threads", "2"], ["--batch-size", "1"], ["--batch-size", "64"]):
        rows = run_tiny(*options, *TEXTS).rows
        assert [[(e["start"], e["end"], e["label"]) for e in row["entities"]] for row in rows] == spans


@pytest.mark.parametrize("installed", [False, True])
def test_env_names_the_model_that_is_used(installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGENER_MODELS", str(tmp_path / "models"))
    model = install(TINY_BUNDLE, tmp_path / "models") if installed else DEFAULT_BUNDLE
    assert json.loads(run_main("env", "--json").output)["default_bundle"] == str(model)
    assert f" {model}\n" in run_main("env").output.decode()
    assert json.loads(run_main("inspect", "--json").output)["name"] == load_bundle(model).manifest.name


def test_inspect() -> None:
    table = run_main("inspect", str(TINY_BUNDLE)).output.decode()
    for expected in ("tiny-int8", "LOC, ORG, PER", "BIOES", "64 tokens", "static", "input_ids", "random (Apache-2.0)"):
        assert expected in table
    (manifest,) = [json.loads(run_main("inspect", str(TINY_BUNDLE), "--json").output)]
    assert manifest["name"] == "tiny-int8"


def test_environment() -> None:
    environment = json.loads(run_main("env", "--json").output)
    assert environment["edgener"] == __version__
    assert set(environment["libraries"]) == {"onnxruntime", "numpy", "tokenizers"}
    assert environment["memory_total_mb"] >= environment["memory_available_mb"] > 0
    assert environment["cores"] >= 1
    assert environment["machine"] in run_main("env").output.decode()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "xml", TEXT], "--format"),
        (["--threads", "two", TEXT], "--threads"),
        (["--thread", "1", TEXT], "--thread"),
        (["--colour", TEXT], "--colour"),
        (["inspect", "--verbose"], "--verbose"),
        (["env", "more"], "more"),
        (["--threads", "0", TEXT], "at least 1"),
        (["--batch-size", "0", TEXT], "at least 1"),
        (["--min-score", "1.1", TEXT], "between 0 and 1"),
        (["--min-score", "nan", TEXT], "between 0 and 1"),
        (["--file", "a", TEXT], "not both"),
        (["--dictionary", "", TEXT], "--dictionary: the path is empty"),
        (["--exclude", "", TEXT], "--exclude: the path is empty"),
        (["--model", "", TEXT], "the name of the model's directory is empty"),
        (["map", "", "--output", "results"], "an input has an empty name"),
        (["map", "a.txt", "--output", ""], "--output: the path is empty"),
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], message: str) -> None:
    options = [] if arguments[0] in ("inspect", "env") or "--model" in arguments else ["--model", str(TINY_BUNDLE)]
    finished = run_main(*arguments, *options)
    assert finished.code == 2
    assert message in finished.errors
    assert finished.output == b""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.txt", "cannot be opened: No such file"),
        (".", "cannot be read: Is a directory"),
        ("a\0b", "cannot be opened: embedded null byte"),
        ("x" * 300, "cannot be opened: File name too long"),
    ],
)
def test_unreadable_files_are_named(name: str, message: str) -> None:
    finished = run_tiny("--file", name)
    assert finished.code == 3
    assert finished.errors.startswith(f"edgener: {name}: {message}")


def test_what_was_read_before_an_unreadable_file_is_answered() -> None:
    finished = run_tiny("--file", "-", "--file", "missing.txt", stdin=TEXT.encode())
    assert finished.code == 3
    assert len(finished.rows) == 1
