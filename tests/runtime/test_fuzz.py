"""Ten thousand inputs, strings to the API and bytes to the command line, without one exception."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgener import Recognizer
from edgener.output_formats import FORMATS
from tests.support import CHARACTERS, FRAGMENTS, TEXTS, assert_consistent, run_main

STRINGS = 3500
FORMATS_OF_MANY_FILES = sorted(name for name in FORMATS if not FORMATS[name].reads_whole_files)
RUNS, FILES_PER_RUN = 150, 10
ALL_STRINGS = TEXTS | st.text(CHARACTERS, max_size=200)
LINES = st.lists(
    st.binary(max_size=30) | st.sampled_from([text.encode("utf-8", "surrogatepass") for text in FRAGMENTS]), max_size=8
).map(b"\n".join)


@pytest.mark.slow
def test_any_string_to_the_api(recognizer: Recognizer) -> None:
    seen: Counter[bool] = Counter()

    @settings(max_examples=STRINGS)
    @given(ALL_STRINGS)
    def check(text: str) -> None:
        entities = recognizer(text)
        assert_consistent(text, entities)
        seen[bool(entities)] += 1

    check()
    assert seen[True] > 100
    assert seen.total() >= STRINGS


@pytest.mark.slow
def test_any_bytes_to_the_command_line(recognizer: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model stays loaded; everything else is the program from its arguments on."""
    monkeypatch.setattr(Recognizer, "load", lambda *_, **__: recognizer)
    paths = [tmp_path / str(number) for number in range(FILES_PER_RUN)]
    arguments = [argument for path in paths for argument in ("--file", str(path))]
    files = 0

    @settings(max_examples=RUNS)
    @given(st.lists(LINES, min_size=FILES_PER_RUN, max_size=FILES_PER_RUN), st.sampled_from(FORMATS_OF_MANY_FILES))
    def check(contents: list[bytes], output_format: str) -> None:
        nonlocal files
        contents = [content + b"\n" + "好".encode() * len(content) for content in contents]  # else refused as not UTF-8
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        finished = run_main("--format", output_format, *arguments)
        assert finished.code == 0
        if output_format == "jsonl":
            check_rows(finished.output, contents)
        files += len(contents)

    def check_rows(output: bytes, contents: list[bytes]) -> None:
        lines = [content.removesuffix(b"\n").split(b"\n") if content else [] for content in contents]
        rows = [json.loads(row) for row in output.splitlines()]
        assert [row["line"] for row in rows] == [number for file in lines for number in range(1, len(file) + 1)]
        for row in rows:
            line = lines[paths.index(Path(row["file"]))][row["line"] - 1]
            text = os.fsdecode(line.removesuffix(b"\r"))
            for entity in row["entities"]:
                assert text[entity["start"] : entity["end"]] == entity["text"]

    check()
    assert files >= RUNS * FILES_PER_RUN
