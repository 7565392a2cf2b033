"""All commands of the three programs end alike: a new command is in these tests as soon as its program lists it."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, TextIO

import pytest

from edgener import __version__
from edgener.cli import PROGRAM as EDGENER
from edgener.command_line import Command, Program
from edgener.errors import EdgenerError
from edgener.installed import install
from edgener.signing import make_keys
from edgener_edge.cli.main import PROGRAM as EDGENER_EDGE
from edgener_export.cli.main import PROGRAM as EDGENER_EXPORT
from tests.support import DATA, TINY_BUNDLE, change_manifest, run_python

MODULES = {EDGENER: "edgener.cli", EDGENER_EXPORT: "edgener_export.cli.main", EDGENER_EDGE: "edgener_edge.cli.main"}
PROGRAMS = tuple(MODULES)
SLOW = {"onnxruntime", "tokenizers", "torch", "transformers", "onnx", "matplotlib", "cryptography"}
"""Packages that no help needs."""
SEPARATORS = {"|", ">", "<", "&", ";"}
BASES = {"ExportError", "EdgeError"}
"""Kinds of errors that are never raised themselves."""
NEED_DOWNLOADS = {("edgener-edge", "verify"), ("edgener-edge", "boot")}
"""Commands whose --json needs QEMU and packages of Debian, so that it is not run here."""


class Case(NamedTuple):
    """A command of a program, or a program without a command."""

    program: Program
    command: Command | None

    @property
    def words(self) -> list[str]:
        """The arguments that choose the command."""
        return [self.command.name] if self.command and self.command.name else []

    @property
    def parser(self) -> argparse.ArgumentParser:
        return self.program.parser(self.command)

    def __str__(self) -> str:
        return " ".join([self.program.name, *self.words])


CASES = [Case(program, command) for program in PROGRAMS for command in (program.default, *program.commands)]
COMMANDS = [case for case in CASES if case.command]
every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_command = pytest.mark.parametrize("case", COMMANDS, ids=str)
every_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)


def needed(parser: argparse.ArgumentParser) -> list[str]:
    """The fewest arguments that a command takes."""
    words = []
    for action in parser._actions:
        value = str(next(iter(action.choices or ["x"])))
        if not action.option_strings and action.nargs in (None, "+"):
            words.append(value)
        elif action.option_strings and action.required:
            words += [action.option_strings[0], value]
    return words


def ending(program: Program, command: Command, work: Callable[[], object]) -> int:
    """The exit code of the program while its command does ``work``."""

    def run(_options: argparse.Namespace) -> None:
        work()

    other = replace(command, run=run)
    if command is program.default:
        return replace(program, default=other).main(needed(program.parser(command)))
    return replace(program, commands=(other,)).main([command.name, *needed(program.parser(command))])


@contextmanager
def standard_output(stream: TextIO | None) -> Iterator[None]:
    """Another standard output, or a closed one."""
    before = sys.stdout
    sys.stdout = stream
    try:
        yield
    finally:
        sys.stdout = before
        if stream:
            stream.close()


def nobody_reads() -> TextIO:
    """A pipe whose reader has left."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


@every_case
def test_help_has_examples_and_says_what_every_argument_is(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    assert case.program.main([*case.words, "--help"]) == 0
    output, errors = capsys.readouterr()
    assert output.startswith(f"usage: {case} ")
    assert f"\nexamples:\n  {case}" in output
    assert errors == ""
    for action in case.parser._actions:
        assert action.help


@every_case
def test_the_examples_of_the_help_are_commands_that_the_parsers_take(case: Case) -> None:
    examples = case.command.examples if case.command else case.program.examples
    for line in examples.splitlines():
        lexer = shlex.shlex(re.split(r" {3,}", line)[0], posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        for is_separator, group in groupby(lexer, lambda word: word in SEPARATORS):
            words = list(group)
            if not is_separator and words[0] == case.program.name:
                command = next((one for one in case.program.commands if words[1:2] == [one.name]), None)
                case.program.parser(command).parse_args(words[2:] if command else words[1:])


@every_program
def test_help_of_all_commands_loads_nothing_slow(program: Program) -> None:
    code = f"""
import sys
from {MODULES[program]} import PROGRAM
for command in ("", *(command.name for command in PROGRAM.commands)):
    assert PROGRAM.main([*command.split(), "--help"]) == 0
print(*sys.modules, file=sys.stderr)
"""
    finished = run_python(code)
    assert finished.code == 0, finished.errors
    loaded = set(finished.errors.split())
    assert MODULES[program] in loaded
    assert loaded & SLOW == set()
    assert program.name != "edgener" or "numpy" not in loaded


@every_program
def test_every_program_tells_its_version(program: Program, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--version"]) == 0
    assert capsys.readouterr().out == f"{program.name} {__version__}\n"


@every_program
def test_a_program_takes_the_arguments_of_its_process(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [program.name, "--version"])
    assert program.main() == 0
    assert capsys.readouterr().out == f"{program.name} {__version__}\n"


@every_program
def test_the_help_of_a_program_without_a_default_asks_for_a_command(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(["--help"]) == 0
    first, _, _ = capsys.readouterr().out.partition("\n")
    usage = f"usage: {program.name} [-h] [--version] COMMAND ..."
    assert (first == usage) == (program.default is None)


@every_program
def test_no_command_and_an_unknown_one_are_wrong_arguments(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    if program.default is None:
        for arguments, message in (([], "name a command"), (["buidl", "--x"], "'buidl' is no command; known: ")):
            assert program.main(arguments) == 2
            assert message in capsys.readouterr().err


@every_case
def test_an_unknown_option_is_a_wrong_argument(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*case.words, *(needed(case.parser) if case.command else []), "--no-such-option"]
    assert case.program.main(arguments) == 2
    output, errors = capsys.readouterr()
    assert "--no-such-option" in errors
    assert output == ""


@every_case
def test_a_full_disk_is_an_output_that_cannot_be_written(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    with standard_output(Path("/dev/full").open("w")):
        assert case.program.main([*case.words, "--help"]) == 4
    message = f"{case.program.name}: standard output: cannot be written: No space left on device\n"
    assert capsys.readouterr().err == message


@every_case
def test_a_closed_pipe_ends_it_quietly(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    with standard_output(nobody_reads()):
        assert case.program.main([*case.words, "--help"]) == 141
    assert capsys.readouterr().err == ""


@every_command
def test_a_closed_standard_output_is_told_before_any_work(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    assert case.command
    done: list[int] = []
    with standard_output(None):
        assert ending(case.program, case.command, lambda: done.append(1)) == 4
    assert "standard output: is closed" in capsys.readouterr().err
    assert done == []


@every_case
def test_a_closed_standard_error_changes_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)
    assert case.program.main([*case.words, "--no-such-option"]) == 2


@every_command
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_and_sigterm_end_every_command_with_their_codes_and_at_most_a_line(
    case: Case, number: signal.Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert case.command
    cleaned = []

    def work() -> None:
        try:
            signal.raise_signal(number)
        finally:
            cleaned.append(True)

    assert ending(case.program, case.command, work) == code
    assert cleaned == [True]
    said = f"{case.program.name}: {case.command.when_interrupted}\n" if case.command.when_interrupted else ""
    assert capsys.readouterr().err == said
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@every_command
@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (OSError(28, "No space left on device", "a file"), 4, "a file: No space left on device"),
        (FileNotFoundError(2, "No such file or directory", "a file"), 3, "a file: No such file or directory"),
        (PermissionError(13, "Permission denied", "a file"), 1, "a file: Permission denied"),
        (OSError("no number"), 1, "no number"),
    ],
)
def test_errors_of_the_system_are_one_line_and_a_code(
    case: Case, error: OSError, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert case.command

    def work() -> None:
        raise error

    assert ending(case.program, case.command, work) == code
    assert capsys.readouterr().err == f"{case.program.name}: {message}\n"


@every_command
def test_what_a_library_printed_before_a_full_disk_fails_the_command(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    assert case.command
    with standard_output(Path("/dev/full").open("w")):
        assert ending(case.program, case.command, lambda: print("a line")) == 4
    assert "cannot be written" in capsys.readouterr().err


@pytest.fixture
def json_arguments(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Arguments with which each command that has --json succeeds."""
    models = tmp_path / "models"
    monkeypatch.setenv("EDGENER_MODELS", str(models))
    install(TINY_BUNDLE, models)
    change_manifest(bundle, name="other")
    install(bundle, models)
    secret, _ = make_keys(tmp_path / "maker")
    labelled = str(DATA / "tiny/test.jsonl")
    return {
        ("edgener", "map"): (
            *(str(DATA / "tiny/golden.txt"), "--output", str(tmp_path / "results")),
            *("--model", str(TINY_BUNDLE)),
        ),
        ("edgener", "inspect"): (str(TINY_BUNDLE),),
        ("edgener", "check"): (str(TINY_BUNDLE),),
        ("edgener", "env"): (),
        ("edgener", "doctor"): (),
        ("edgener", "bench"): ("--model", str(TINY_BUNDLE), "--seconds", "0.01"),
        ("edgener", "install"): (str(TINY_BUNDLE),),
        ("edgener", "rollback"): (),
        ("edgener", "sign"): (str(bundle), "--key", str(secret)),
        ("edgener", "keygen"): (str(tmp_path / "new"),),
        ("edgener-export", "models"): (),
        ("edgener-export", "data"): (labelled, "--against", labelled),
        ("edgener-export", "evaluate"): (str(TINY_BUNDLE), "--suite", str(DATA / "tiny"), "--threads", "1"),
        ("edgener-export", "compare"): (str(TINY_BUNDLE), str(TINY_BUNDLE), labelled, "--threads", "1"),
        ("edgener-edge", "devices"): (),
    }


def test_json_is_one_document_wherever_it_is_offered(
    json_arguments: dict[tuple[str, str], tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    offered = {
        (case.program.name, case.command.name)
        for case in COMMANDS
        if case.command and "--json" in case.parser._option_string_actions
    }
    assert offered == set(json_arguments) | NEED_DOWNLOADS
    for program in PROGRAMS:
        for (name, command), arguments in json_arguments.items():
            if name == program.name:
                code = program.main([command, *arguments, "--json"])
                output, errors = capsys.readouterr()
                assert code == 0, (command, errors)
                assert isinstance(json.loads(output), (dict, list))


@every_program
def test_the_help_names_every_exit_code_of_the_programs_own_errors(program: Program) -> None:
    named: set[int] = set()
    for first, last in re.findall(r"\b(\d+)(?: to (\d+))?", program.exit_codes):
        named.update(range(int(first), int(last or first) + 1))
    assert named >= {0, 1, 2, 3, 4, 130, 141, 143} | {error.exit_code for error in own_errors(program)}


def own_errors(program: Program) -> set[type[EdgenerError]]:
    """The kinds of errors that the program's package declares, but for the base of all."""
    package = MODULES[program].partition(".")[0]
    module = importlib.import_module(f"{package}.errors")
    kinds = {kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, EdgenerError)}
    return {kind for kind in kinds if kind.__module__ == module.__name__ and kind.__name__ not in BASES}
