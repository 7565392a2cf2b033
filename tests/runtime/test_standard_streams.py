"""A program ends with the code and the message of what went wrong, and messages that nobody can read are no error."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from edgener.errors import InputError
from edgener.standard_streams import TerminatedError, exit_code, log, say, show
from tests.support import largest_file


def failing(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "prog: resume with --go-on\n"),
        (TerminatedError(), 143, "prog: resume with --go-on\n"),
        (BrokenPipeError(), 141, ""),
        (InputError("a.txt: is no text"), InputError.exit_code, "prog: a.txt: is no text\n"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a"), 3, "prog: a: No such file or directory\n"),
        (OSError(errno.ENOSPC, "No space left on device", "a"), 4, "prog: a: No space left on device\n"),
        (OSError(errno.EIO, "Input/output error"), 1, "prog: Input/output error\n"),
        (OSError("something else"), 1, "prog: something else\n"),
        (SystemExit(2), 2, ""),
        (SystemExit(None), 0, ""),
    ],
    ids=["ctrl-c", "sigterm", "pipe", "own", "missing", "full", "other", "plain", "argparse", "help"],
)
def test_each_way_to_end_has_its_code_and_message(
    error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("prog", failing(error), "resume with --go-on") == code
    assert capsys.readouterr().err == message


def test_an_interruption_without_a_message_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("prog", failing(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == ""


def test_messages_are_lines_after_the_name_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    say("one")
    say("two", "prog")
    log("three")
    assert capsys.readouterr().err == "edgener: one\nprog: two\nthree\n"


def test_a_full_standard_error_is_no_error_then_or_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Path("/dev/full").open("w")  # noqa: SIM115
    monkeypatch.setattr("sys.stderr", stream)
    show("lost")
    show("lost too")
    stream.close()  # nothing is left in its buffer that could fail


def test_what_others_left_in_the_buffer_of_a_full_standard_error_is_no_error_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = Path("/dev/full").open("w")  # noqa: SIM115
    monkeypatch.setattr("sys.stderr", stream)
    assert exit_code("prog", lambda: print("a library's", file=stream)) == 0
    stream.close()


@pytest.mark.parametrize("buffering", [-1, 0], ids=["buffered", "unbuffered"])
def test_lines_come_again_whole_when_a_full_disk_has_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buffering: int
) -> None:
    path = tmp_path / "log"
    stream = io.TextIOWrapper(path.open("wb", buffering), line_buffering=True, write_through=not buffering)
    monkeypatch.setattr("sys.stderr", stream)
    log("before")
    with largest_file(12):
        log("begun")
        log("lost")
    with largest_file(14):
        log("begun as the other ended")
    log("after")
    stream.close()
    assert path.read_text().splitlines() == ["before", "begun", "begun as the other ended", "after"]


def test_text_is_shown_by_a_stream_without_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    log("seen")
    assert stream.getvalue() == "seen\n"
