"""The command line as a process: in pipes, interrupted, with a full disk, on files longer than its memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import pytest

from tests.support import TINY_BUNDLE, run_measured, run_python, start_tiny

TEXT = "王小明在青山大学工作。"
LINE = f"{TEXT}\n".encode()
FLAT = 8 * 1024
"""Kilobytes; a file that is ten times as long may need so much more memory."""
INTERRUPTED_AT_IMPORT = """
import os, signal, sys
from edgener.cli import main
class Interrupt:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt)
code = main(sys.argv[2:])
sys.exit(code if sys.argv[1] in sys.modules else "the import was cut off")
"""


def pipe(stream: IO[bytes] | None) -> IO[bytes]:
    """A stream of a process that was started with one."""
    return cast("IO[bytes]", stream)


def test_each_line_is_answered_before_the_next_one_is_sent() -> None:
    with start_tiny() as process:
        for number in range(1, 4):
            for byte in LINE:
                pipe(process.stdin).write(bytes([byte]))
                pipe(process.stdin).flush()
            row = json.loads(pipe(process.stdout).readline())
            assert row["line"] == number
            assert [entity["text"] for entity in row["entities"]] == ["王小明", "青山大学"]
        pipe(process.stdin).close()
        assert pipe(process.stdout).read() == pipe(process.stderr).read() == b""
    assert process.returncode == 0


def test_a_closed_pipe_ends_it_quietly(tmp_path: Path) -> None:
    long = tmp_path / "long.txt"
    long.write_bytes(LINE * 20_000)
    with start_tiny("--file", str(long)) as process:
        assert json.loads(pipe(process.stdout).readline())["line"] == 1
        pipe(process.stdout).close()
        assert pipe(process.stderr).read() == b""
    assert process.returncode == 141


def test_head_takes_what_it_wants(tmp_path: Path) -> None:
    long = tmp_path / "long.txt"
    long.write_bytes(LINE * 20_000)
    command = f"{sys.executable} -m edgener --model {TINY_BUNDLE} --file {long} | head -n 1"
    finished = subprocess.run(["sh", "-c", command], capture_output=True, check=True)
    assert finished.stdout.count(b"\n") == 1
    assert finished.stderr == b""


def test_ctrl_c_while_waiting_ends_it_quietly() -> None:
    with start_tiny() as process:
        pipe(process.stdin).write(LINE)
        pipe(process.stdin).flush()
        pipe(process.stdout).readline()
        process.send_signal(signal.SIGINT)
        assert pipe(process.stderr).read() == b""
    assert process.returncode == 130


@pytest.mark.parametrize("output_format", ["jsonl", "conll", "text", "html"])
def test_ctrl_c_while_computing_ends_it_quietly(tmp_path: Path, output_format: str) -> None:
    long = tmp_path / "long.txt"
    long.write_bytes(LINE.strip() * 100_000)
    with start_tiny("--file", str(long), "--format", output_format) as process:
        pipe(process.stdout).read(1)
        process.send_signal(signal.SIGINT)
        pipe(process.stdout).read()
        assert pipe(process.stderr).read() == b""
    assert process.returncode == 130


@pytest.mark.parametrize("command", [[TEXT], ["check", str(TINY_BUNDLE)]], ids=["recognize", "check"])
@pytest.mark.parametrize("module", ["numpy", "onnxruntime.capi.onnxruntime_pybind11_state", "tokenizers"])
def test_ctrl_c_while_libraries_load_waits_for_them(command: list[str], module: str) -> None:
    finished = run_python(INTERRUPTED_AT_IMPORT, module, *command)
    assert (finished.code, finished.output, finished.errors) == (130, b"", "")


@pytest.mark.parametrize("arguments", [[TEXT], ["--format", "text", TEXT]])
def test_a_full_disk_is_told(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full, start_tiny(*arguments, stdout=full) as process:
        errors = pipe(process.stderr).read().decode()
    assert process.returncode == 4
    assert errors == "edgener: standard output: cannot be written: No space left on device\n"


@pytest.mark.parametrize(
    ("closed", "code", "message"),
    [("<&-", 3, "edgener: standard input: is closed; "), (">&-", 4, "edgener: standard output: is closed; ")],
)
def test_closed_streams_are_told(closed: str, code: int, message: str) -> None:
    command = f"{sys.executable} -m edgener --model {TINY_BUNDLE} {closed}"
    finished = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert finished.returncode == code
    assert finished.stderr.startswith(message)
    assert finished.stderr.count("\n") == 1


@pytest.mark.parametrize("errors", ["2>&-", "2>/dev/full"], ids=["closed", "full"])
def test_standard_error_that_takes_nothing_stops_nothing(tmp_path: Path, errors: str) -> None:
    (tmp_path / "text").write_bytes(b"\xff\n" + LINE)
    command = f"{sys.executable} -m edgener --file {tmp_path}/text {errors} --model"
    finished = subprocess.run(["sh", "-c", f"{command} {TINY_BUNDLE}"], stdout=subprocess.PIPE, check=False)
    assert finished.returncode == 0
    assert [json.loads(line)["line"] for line in finished.stdout.splitlines()] == [1, 2]
    finished = subprocess.run(["sh", "-c", f"{command} {tmp_path}/no"], stdout=subprocess.PIPE, check=False)
    assert (finished.returncode, finished.stdout) == (11, b"")


def test_no_file_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(LINE)
    files = [word for _ in range(40) for word in ("--file", str(path))]
    command = f"ulimit -n 32; exec {sys.executable} -m edgener --model {TINY_BUNDLE} {' '.join(files)}"
    finished = subprocess.run(["sh", "-c", command], capture_output=True, check=True)
    assert finished.stdout.count(b"\n") == 40


def test_arguments_that_are_no_utf8_are_kept() -> None:
    with start_tiny("--format", "text", os.fsdecode(TEXT.encode() + b"\xff")) as process:
        output = pipe(process.stdout).read()
    assert process.returncode == 0
    assert output == "[王小明/PER]在[青山大学/ORG]工作。".encode() + b"\xff\n"


@pytest.mark.parametrize("encoding", ["ascii", "gbk", "utf-16"])
def test_the_output_is_utf8_whatever_the_locale(encoding: str) -> None:
    with start_tiny(TEXT, env={**os.environ, "PYTHONIOENCODING": encoding, "LC_ALL": "C"}) as process:
        row = json.loads(pipe(process.stdout).read().decode("utf-8"))
    assert process.returncode == 0
    assert row["entities"][0]["text"] == "王小明"


def test_the_module_and_the_function_are_the_same_program() -> None:
    with start_tiny("--version") as process:
        module = pipe(process.stdout).read()
    assert module == run_python("from edgener.cli import main; main(['--version'])").output


def entities(output: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    """Return (line, entity) of everything that was found."""
    for line in output.splitlines():
        row = json.loads(line)
        for entity in row["entities"]:
            yield row["line"], entity


def long_lines(size: int) -> list[str]:
    """One line of about ``size`` bytes."""
    text = f"２０２６年，{TEXT}😀据北江日报社报道，长城省下了大雨，"
    return [text * (size // len(text.encode()))]


def many_lines(size: int) -> list[str]:
    """Lines of about 40 bytes."""
    return [f"王小明{number}在北京工作，" for number in range(size // 40)]


@pytest.mark.slow
@pytest.mark.parametrize("make_lines", [long_lines, many_lines])
def test_memory_does_not_grow_with_the_file_and_every_offset_is_right(tmp_path: Path, make_lines: Any) -> None:
    peaks = []
    for size in (100_000, 1_000_000):
        lines = make_lines(size)
        path = tmp_path / "input.txt"
        path.write_text("\n".join(lines), encoding="utf-8")
        finished, peak = run_measured("--model", str(TINY_BUNDLE), "--file", str(path))
        peaks.append(peak)
        assert finished.output.count(b"\n") == len(lines)
        found = 0
        for line, entity in entities(finished.output):
            assert lines[line - 1][entity["start"] : entity["end"]] == entity["text"]
            found += 1
        assert found >= size / 100
    assert peaks[1] - peaks[0] < FLAT, f"{peaks} kB"
