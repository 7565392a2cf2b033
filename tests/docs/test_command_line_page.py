"""docs/cli.md is what the parsers of the three programs say, and holds every command and option."""

from __future__ import annotations

from tests.support import ROOT
from tools.command_line_page import PROGRAMS, page

PAGE = ROOT / "docs/cli.md"


def test_the_page_is_that_of_the_parsers() -> None:
    """If this fails: python tools/command_line_page.py > docs/cli.md."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_page_holds_every_command_and_every_option() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for program in PROGRAMS:
        for command in (program.default, *program.commands):
            if command is None:
                continue
            title = f"# {program.name} {command.name}".rstrip()
            _, _, rest = text.partition(f"{title}\n")
            section, _, _ = rest.partition("\n#")
            assert command.description in section
            for option in program.parser(command)._option_string_actions:
                assert f"`{option}" in section or option in ("-h", "--help", "--version")
