"""A program with commands: each command's arguments are declared once, for parsing, ``--help`` and docs/cli.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgener import __version__
from edgener.errors import UsageError
from edgener.standard_streams import exit_code, show, write
from edgener.table import table


@dataclass(frozen=True)
class Command:
    """One command of a program."""

    name: str
    """First word of the command's arguments; empty for the command that a program runs without such a word."""
    summary: str
    """A few words about what the command does, for the program's list of commands."""
    description: str
    """Whole sentences about what the command does."""
    examples: str
    """Lines of shell, without indentation."""
    add_arguments: Callable[[argparse.ArgumentParser], None]
    """Declares the command's arguments; imports nothing that is slow to load."""
    run: Callable[[argparse.Namespace], None]
    """Does the work with the parsed arguments."""
    when_interrupted: str = ""
    """Message for a user who ends the command before it is done."""


@dataclass(frozen=True)
class Program:
    """A command line that runs one of several commands."""

    name: str
    """Name under which the program is installed."""
    description: str
    """One sentence about the program's purpose."""
    examples: str
    """Lines of shell, without indentation."""
    exit_codes: str
    """The meaning of the program's exit codes, in one sentence."""
    commands: tuple[Command, ...]
    """Commands that are chosen by their name."""
    default: Command | None = None
    """Command that runs where the first argument is no command's name."""

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Run the arguments ``argv``, by default those of the process, and return the exit code."""
        arguments = list(sys.argv[1:] if argv is None else argv)
        command = next((one for one in self.commands if arguments[:1] == [one.name]), None)
        if command:
            del arguments[0]
        command = command or self.default
        return exit_code(self.name, lambda: self._run(command, arguments), command.when_interrupted if command else "")

    def parser(self, command: Command | None = None) -> argparse.ArgumentParser:
        """Return the parser of a command, or of the program where none of its commands is named."""
        command = command or self.default
        is_program = command is None or not command.name
        parts = [_block("examples:", command.examples if command else self.examples)]
        if is_program:
            commands = table([(f"{self.name} {one.name}", one.summary) for one in self.commands])
            parts += [_block("commands, each of which has --help:", commands), f"exit codes: {self.exit_codes}"]
        parser = _Parser(
            prog=self.name if is_program or command is None else f"{self.name} {command.name}",
            usage=None if command else "%(prog)s [-h] [--version] COMMAND ...",
            description=command.description if command else self.description,
            epilog="\n\n".join(parts),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if command:
            command.add_arguments(parser)
        if is_program:
            version = f"{self.name} {__version__}"
            parser.add_argument("--version", action="version", version=version, help="print the version and exit")
        return parser

    def _run(self, command: Command | None, arguments: Sequence[str]) -> None:
        parser = self.parser(command)
        if command:
            command.run(parser.parse_args(arguments))
            return
        parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
        given, _ = parser.parse_known_args(arguments)
        if given.command is None:
            parser.parse_args(arguments)  # tells an unknown option
        what = f"{given.command!r} is no command" if given.command else "name a command"
        parser.error(f"{what}; known: {', '.join(one.name for one in self.commands)}")


class _Parser(argparse.ArgumentParser):
    """A parser whose help and errors fail no other way than results and messages do, and which takes no empty path."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.register("type", Path, _path_of)

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout:
            write(message)
        else:
            show(message)


def _path_of(argument: str) -> Path:
    """Return the path that an argument names; an empty one, as of a variable without a value, would be ``.``."""
    if not argument:
        raise argparse.ArgumentTypeError("the path is empty; name one, or . for this directory")
    return Path(argument)


class _OnceAction(argparse.Action):
    """An option that a command line may hold once, since a second one would silently replace the first."""

    _is_given = False

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        if self._is_given:
            raise UsageError(f"{option_string} is given twice; give it once")
        self._is_given = True
        super().__call__(parser, namespace, values, option_string)


class _StoreOnceAction(_OnceAction, argparse._StoreAction):
    pass


class _StoreTrueOnceAction(_OnceAction, argparse._StoreTrueAction):
    pass


def refuse_repeated_options(parser: argparse.ArgumentParser) -> None:
    """Let the options that are added to a parser from now on stand once, but for those that are collected.

    Parsing raises UsageError for one that stands twice; the parser can be used for one command line.
    """
    for name in (None, "store"):
        parser.register("action", name, _StoreOnceAction)
    parser.register("action", "store_true", _StoreTrueOnceAction)


def add_json(parser: argparse.ArgumentParser, what: str = "print JSON") -> None:
    """Add the option ``--json``."""
    parser.add_argument("--json", action="store_true", help=what)


def _block(title: str, lines: str) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines.strip().splitlines())])
