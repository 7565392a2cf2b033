"""``edgener TEXT`` and ``edgener --file``: what options ask of the recognizer, the terminal and the progress."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NoReturn

import pytest

from edgener import Rules, recognize_cli
from edgener.cli import main
from edgener.errors import UsageError
from edgener.progress import Progress
from tests.support import TINY_BUNDLE, run_main, run_tiny

TEXT = "王小明在青山大学工作。"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments that the recognizer was loaded with; no command gets further than that."""
    calls: list[dict[str, Any]] = []

    class Noticed:
        @staticmethod
        def load(path: Path, **options: Any) -> NoReturn:
            calls.append({"path": path, **options})
            raise UsageError("stop")

    monkeypatch.setattr(recognize_cli, "load_recognizer_class", lambda: Noticed)
    monkeypatch.delenv("EDGENER_THREADS", raising=False)
    return calls


def test_the_recognizer_is_loaded_with_the_options(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    words = tmp_path / "words.tsv"
    run_main("--model", "m", "--batch-size", "3", "--threads", "2", "--dictionary", str(words), "--types", "PER", TEXT)
    run_main("--model", "m", TEXT)
    assert asked[0]["rules"] == Rules(dictionary=words, types=("PER",))
    assert {**asked[0], "rules": None} == {
        "path": Path("m"),
        "threads": 2,
        "batch_size": 3,
        "provider": "cpu",
        "rules": None,
    }
    assert (asked[1]["threads"], asked[1]["batch_size"]) == (1, 8)


@pytest.mark.parametrize(
    ("arguments", "threads"),
    [
        (["--file", "{file}"], 1),
        (["--file", "{file}", "--file", "{file}"], 1),
        (["--file", "{file}", "--join-lines"], 4),
        (["--file", "{file}", "--file", "-"], 4),
        (["--file", "/dev/null"], 4),
        ([TEXT], 4),
        ([], 4),
    ],
    ids=["file", "files", "wrapped", "file-and-pipe", "device", "text", "pipe"],
)
def test_lines_of_whole_files_are_answered_on_one_core_each_and_all_else_on_all_cores(
    asked: list[dict[str, Any]], tmp_path: Path, arguments: list[str], threads: int
) -> None:
    file = tmp_path / "news.txt"
    file.write_text(TEXT, encoding="utf-8")
    run_main("--threads", "4", *(argument.format(file=file) for argument in arguments))
    assert asked[0]["threads"] == threads


def test_the_progress_knows_the_name_and_the_size_of_what_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[str, int, bool]] = []
    amounts: list[int] = []

    class Noticed(Progress):
        def __init__(self, name: str, total: int, *, is_typed: bool = False) -> None:
            begun.append((name, total, is_typed))
            super().__init__(name, total, is_typed=is_typed)

        def advance(self, amount: int) -> None:
            amounts.append(amount)

    monkeypatch.setattr(recognize_cli, "Progress", Noticed)
    file, size = tmp_path / "news.txt", len(TEXT.encode())
    file.write_text(TEXT, encoding="utf-8")
    assert run_tiny("--file", str(file)).code == run_tiny(stdin=TEXT.encode()).code == 0
    assert begun == [(str(file), size, False), ("standard input", size, False)]
    assert sum(amounts) == 2 * size


@pytest.mark.parametrize(
    ("variable", "is_coloured"), [(None, True), ("", True), ("1", False)], ids=["unset", "empty", "1"]
)
def test_marked_text_is_coloured_on_a_terminal_unless_no_color_is_set(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, is_coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if variable is not None:
        monkeypatch.setenv("NO_COLOR", variable)
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w", encoding="utf-8") as terminal:
        with redirect_stdout(terminal):
            assert main(["--model", str(TINY_BUNDLE), "--format", "text", TEXT]) == 0
        shown = os.read(reader, 1000).decode()
    os.close(reader)
    assert ("\x1b[" in shown) == is_coloured
    assert "王小明" in shown
    assert "\x1b[" not in run_tiny("--format", "text", TEXT).output.decode()


def test_a_file_that_is_not_in_its_encoding_is_told_with_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "old.txt"
    file.write_bytes(b"\xff\xff\n")
    finished = run_tiny("--file", str(file), "--encoding", "gb18030")
    reason = "illegal multibyte sequence; name another one with --encoding"
    assert (finished.code, finished.errors) == (3, f"edgener: {file}: is not gb18030: {reason}\n")


def test_a_name_that_holds_nul_and_a_directory_are_told() -> None:
    finished = run_tiny("--file", "a\0b")
    assert (finished.code, finished.errors) == (3, "edgener: a\0b: cannot be opened: embedded null byte\n")
    finished = run_tiny("--file", "/none/at/all")
    assert (finished.code, finished.errors) == (
        3,
        "edgener: /none/at/all: cannot be opened: No such file or directory\n",
    )


def test_texts_and_files_together_are_wrong_arguments() -> None:
    finished = run_tiny(TEXT, "--file", "news.txt")
    assert (finished.code, finished.errors) == (2, "edgener: give either texts or --file, not both\n")


@pytest.mark.parametrize("option", ["--dictionary", "--exclude", "--types", "--min-score", "--model"])
@pytest.mark.parametrize("command", [(), ("map", TEXT, "--output", "out")])
def test_an_option_that_is_given_twice_is_told_since_one_of_both_would_be_lost(
    command: tuple[str, ...], option: str
) -> None:
    finished = run_main(*command, option, "a", option, "b")
    assert (finished.code, finished.errors) == (2, f"edgener: {option} is given twice; give it once\n")


def test_an_empty_name_of_a_file_is_told_and_standard_input_by_its_name(tmp_path: Path) -> None:
    finished = run_tiny("--file", "")
    assert (finished.code, finished.errors) == (2, "edgener: --file is empty; name a file, or - for standard input\n")
    (tmp_path / "gbk").write_bytes("王小明".encode("gbk"))
    with (tmp_path / "gbk").open() as file:
        process = subprocess.run(
            [sys.executable, "-m", "edgener", "--file", "-", "--encoding", "utf-16"],
            stdin=file, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert process.stderr.startswith("edgener: standard input: ")


def test_a_library_that_is_missing_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "tokenizers.py").write_text("raise ImportError('built for another Python')")
    places = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    for arguments in ((TEXT,), ("doctor",), ("check",)):
        process = subprocess.run(
            [sys.executable, "-m", "edgener", *arguments],
            env={**os.environ, "PYTHONPATH": places}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert process.returncode == 5
        message = "a library that edgener needs cannot be imported: built for another Python"
        assert process.stderr == f"edgener: {message}; install edgener anew with its libraries\n"


def test_more_threads_than_any_machine_makes_are_refused_for_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("王小明\n", encoding="utf-8")
    finished = run_tiny("--file", str(tmp_path / "a.txt"), "--threads", "5000")
    assert (finished.code, finished.output) == (2, b"")
    assert "threads is 5000; it must be at most 1024" in finished.errors
