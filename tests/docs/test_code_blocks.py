"""The code of README and of the Python pages runs, and gives the output that stands under it."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from itertools import takewhile
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, Block, Command, blocks, commands, name
from tests.support import PACKAGES, ROOT

RUN = sorted(
    ROOT / page
    for page in (
        "README.md",
        "README.zh-CN.md",
        "docs/python-api.md",
        "docs/operator-rules.md",
        "docs/zh/quick-start.md",
    )
)
"""Pages whose blocks run."""
SCORE = re.compile(r"0\.\d{2,}")
SCORE_DIFFERENCE = 0.001
"""Processors round the float operations between integer products differently: scores move in the fourth digit."""
PROGRAMS = {"edgener": "edgener", "edgener-export": "edgener_export", "edgener-edge": "edgener_edge"}
OPTION = re.compile(r"--[a-z][a-z-]*")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the files that the pages read, and the commands of the project on the path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "news.txt").write_bytes((ROOT / "docs" / "sample.txt").read_bytes())
    programs = tmp_path / "bin"
    programs.mkdir()
    for program, module in PROGRAMS.items():
        (programs / program).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n', encoding="utf-8")
        (programs / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", PACKAGES)
    return tmp_path


@pytest.mark.parametrize("page", RUN, ids=name)
@pytest.mark.usefixtures("folder")
def test_python_prints_what_the_page_shows(page: Path) -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in python_blocks(page):
        assert_prints_what_is_shown(page, block, namespace)


@pytest.mark.parametrize("page", RUN, ids=name)
@pytest.mark.usefixtures("folder")
def test_commands_print_what_the_page_shows(page: Path) -> None:
    for command in commands(page):
        if command.output:
            finished = subprocess.run(["bash", "-c", command.line], capture_output=True, text=True, check=False)
            assert finished.returncode == 0, finished.stderr
            assert_alike(finished.stdout, command.output)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_name_options_that_there_are(page: Path) -> None:
    for command in commands(page):
        for program, *words in invocations(command):
            given = {word.partition("=")[0] for word in words if OPTION.match(word)}
            unknown = given - options_of(program, words[0] if words and re.fullmatch("[a-z]+", words[0]) else "")
            assert not unknown, command.line


def invocations(command: Command) -> Iterator[list[str]]:
    """Split a shell line into the calls of this project's programs, each a list of words."""
    words = shlex.split(re.sub(r"([|;<>]|&&)", r" \1 ", command.line))
    for position, word in enumerate(words):
        if word in PROGRAMS and (position == 0 or words[position - 1] in ("|", ";", "&&", "sudo")):
            yield [word, *takewhile(lambda it: it not in ("|", ";", "&&", ">", "<"), words[position + 1 :])]


@cache
def options_of(program: str, subcommand: str) -> frozenset[str]:
    """Return the options that the help of a command names."""
    arguments = [sys.executable, "-m", PROGRAMS[program], *([subcommand] if subcommand else []), "--help"]
    finished = subprocess.run(
        arguments, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": PACKAGES}
    )
    return frozenset(OPTION.findall(finished.stdout))


def python_blocks(page: Path) -> list[Block]:
    """Return the blocks of Python of a page, which has some."""
    found = [block for block in blocks(page) if block.language == "python"]
    assert found
    return found


def assert_prints_what_is_shown(page: Path, block: Block, namespace: dict[str, object]) -> None:
    """Run a block of a page in a namespace; assert that it prints what stands under it."""
    printed = io.StringIO()
    code = "\n" * block.line + block.code
    with redirect_stdout(printed):
        exec(compile(code, str(page), "exec"), namespace)
    assert_alike(printed.getvalue(), block.output or "")


def assert_alike(printed: str, shown: str) -> None:
    """Assert that two outputs are the same but for small differences of scores."""
    assert SCORE.sub("0", printed) == SCORE.sub("0", shown)
    differences = [
        abs(float(left) - float(right))
        for left, right in zip(SCORE.findall(printed), SCORE.findall(shown), strict=True)
    ]
    assert max(differences, default=0) <= SCORE_DIFFERENCE, printed


@pytest.mark.parametrize("shown", ["2 PER 0.9933\n", "2 PER 0.991\nmore\n", "2 ORG 0.9913\n", "3 PER 0.9913\n", ""])
def test_other_scores_and_other_text_are_not_alike(shown: str) -> None:
    assert_alike("2 PER 0.9913\n", "2 PER 0.9914\n")
    with pytest.raises((AssertionError, ValueError)):
        assert_alike("2 PER 0.9913\n", shown)
