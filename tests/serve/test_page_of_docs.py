"""The blocks of docs/serving.md run, against a service with the built-in model, and print what stands under them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import commands
from tests.docs.test_code_blocks import assert_alike, assert_prints_what_is_shown, python_blocks
from tests.serve.servers import Running, running
from tests.support import ROOT

PAGES = [ROOT / "docs/serving.md", ROOT / "docs/zh/serving.md"]
ADDRESS = "127.0.0.1:8765"
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)


@pytest.fixture(scope="module")
def built_in() -> Iterator[Running]:
    with running("--workers", "1", "--queue-seconds", "100", model=None) as service:
        yield service


@every_page
def test_python_prints_what_the_page_shows(built_in: Running, page: Path) -> None:
    for block in python_blocks(page):
        code = block.code.replace(ADDRESS, f"{built_in.host}:{built_in.port}")
        assert_prints_what_is_shown(page, block._replace(code=code), {})


@every_page
def test_requests_of_curl_get_the_answers_that_the_page_shows(built_in: Running, page: Path) -> None:
    shown = [command for command in commands(page) if command.line.startswith("curl ") and command.output]
    assert shown
    for command in shown:
        words = shlex.split(command.line)
        (url,) = (word for word in words if word.startswith(ADDRESS))
        name, value = words[words.index("-H") + 1].split(": ")
        answer = built_in.request(
            "POST", url.removeprefix(ADDRESS), words[words.index("-d") + 1].encode(), {name: value}
        )
        assert_alike(answer.body.decode() + "\n", command.output)


@every_page
def test_errors_of_the_page_are_those_of_the_service(page: Path) -> None:
    from edgener.serve.problem import ERROR_TYPES

    rows = re.findall(r"^\| ([\d,、 ]+) \| (`.+?`) \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    listed = {
        int(status): word.strip("` ")
        for statuses, words in rows
        for status, word in zip(re.split("[,、]", statuses), re.split("[,、]", words), strict=True)
    }
    assert listed == ERROR_TYPES
