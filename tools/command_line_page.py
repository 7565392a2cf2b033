"""Print docs/cli.md, the page of all commands and options, from the parsers of the three programs.

python tools/command_line_page.py > docs/cli.md
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from edgener.cli import PROGRAM as EDGENER
from edgener.command_line import Command, Program
from edgener_edge.cli.main import PROGRAM as EDGENER_EDGE
from edgener_export.cli.main import PROGRAM as EDGENER_EXPORT

PROGRAMS = (EDGENER, EDGENER_EXPORT, EDGENER_EDGE)
INTRODUCTION = """\
# Command line

<!-- Written by `python tools/command_line_page.py > docs/cli.md`; a test compares this page with the programs. -->

`edgener` recognizes entities and looks after models on a device; it is all that a device needs. `edgener-export` trains
and packs models, `edgener-edge` builds files for devices; both run on a host and need their extras
(`pip install '.[export]'`, `pip install '.[edge]'` in a clone).

The three programs behave alike:

- Results go to standard output, in UTF-8 whatever the locale, each as soon as it is known. Messages and progress go to
  standard error. `--json`, where there is one, prints a single JSON document.
- Every failure has an exit code and a message of one line that names the file and the remedy. Ctrl-C ends a command
  with code 130, SIGTERM with 143, a reader that leaves the pipe with 141, a full disk with 4.
- `--help` and `--version` are options of every program, `--help` also of every command.

`edgener` reads files and standard input line by line: each line is a document, and offsets count the code points of the
decoded line, without the line end (LF or CRLF) and without a byte order mark at the start. A few bytes that are not
UTF-8 are kept as they are, with a warning; a file most lines of which are not is refused, and `--encoding` reads it.
"""


def main() -> None:
    """Print the page."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(page(), end="")


def page() -> str:
    """Return the page as Markdown."""
    sections = [INTRODUCTION]
    for program in PROGRAMS:
        sections.append("\n".join(_program(program)))
        sections.extend("\n".join(_command(program, command, 3)) for command in program.commands)
    return "\n".join(sections)


def _program(program: Program) -> Iterator[str]:
    if program.default:
        yield from _command(program, program.default, 2)
    else:
        yield f"## {program.name}\n\n{program.description}\n"
        yield from _examples(program.examples)
    yield "| command | what it does |\n|---|---|"
    for command in program.commands:
        anchor = f"{program.name}-{command.name}"
        yield f"| [`{program.name} {command.name}`](#{anchor}) | {_cell(command.summary)} |"
    yield f"\nExit codes of `{program.name}`: {' '.join(program.exit_codes.split())}.\n"


def _command(program: Program, command: Command, level: int) -> Iterator[str]:
    parser = program.parser(command)
    name = f"{program.name} {command.name}".strip()
    yield f"{'#' * level} {name}\n\n{command.description}\n"
    rows = [row for action in parser._actions if (row := _row(action, parser))]
    if rows:
        yield "| argument | meaning |\n|---|---|"
        yield from rows
        yield ""
    yield from _examples(command.examples)


def _examples(lines: str) -> Iterator[str]:
    yield f"```text\n{lines.strip()}\n```\n"


def _row(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    """Return the table's row for an argument; empty for --help and --version, which all have."""
    if action.dest in ("help", "version"):
        return ""
    values = ",".join(map(str, action.choices)) if action.choices else str(action.metavar or action.dest.upper())
    takes_value = not action.option_strings or action.nargs != 0
    name = " ".join([*action.option_strings[:1], *([f"{{{values}}}" if action.choices else values] * takes_value)])
    meaning = (action.help or "") % {**vars(action), "prog": parser.prog}
    is_needed = action.required and bool(action.option_strings)
    return f"| `{_cell(name)}` | {_cell(meaning)}{' (required)' if is_needed else ''} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


if __name__ == "__main__":
    main()
