"""The examples of docs/corpora.md for engines run as they stand, and give every row the answer of the library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import dataset, parquet

from edgener import Recognizer
from tests.docs.pages import blocks
from tests.support import ROOT, labelled_texts

PAGE = ROOT / "docs/corpora.md"
TEXTS = [row.text for row in labelled_texts()][:12]
PRIVATE = {"RAY_USAGE_STATS_ENABLED": "0", "DAFT_ANALYTICS_ENABLED": "0", "HF_HUB_OFFLINE": "1"}
"""Environment in which no engine reports to its makers."""
engines = pytest.mark.engines


@pytest.mark.parametrize(
    "engine",
    [
        "duckdb",
        *(pytest.param(name, marks=engines) for name in ("daft", "datasets", "ray", "pyspark")),
    ],
)
def test_an_example_gives_every_row_the_answer_of_the_library(engine: str, tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    for number in range(3):
        rows = list(range(number, len(TEXTS), 3))
        table = pa.table({"id": rows, "text": [TEXTS[row] for row in rows]})
        parquet.write_table(table, tmp_path / f"corpus/{number}.parquet")
    (code,) = (
        block.code for block in blocks(PAGE) if f"import {engine}\n" in block.code or f"from {engine}" in block.code
    )
    (tmp_path / "example.py").write_text(f'if __name__ == "__main__":\n{indented(code)}', encoding="utf-8")
    paths = {"HF_HOME": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT / "runtime"), "PYSPARK_PYTHON": sys.executable}
    environment = {**os.environ, **PRIVATE, **paths}
    command = [sys.executable, "example.py"]
    finished = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert finished.returncode == 0, finished.stderr
    (results,) = tmp_path.glob("results*")
    files = [results] if results.is_file() else [path for path in results.glob("*.parquet") if path.is_file()]
    found = sorted(dataset.dataset(list(map(str, files))).to_table().to_pylist(), key=lambda row: int(row["id"]))
    assert [(row["id"], row["text"]) for row in found] == list(enumerate(TEXTS))
    for row, entities in zip(found, Recognizer.load().batch(TEXTS), strict=True):
        assert [one["text"] for one in row["entities"]] == [entity.text for entity in entities], json.dumps(row)


def indented(code: str) -> str:
    """Return code as the body of a statement; engines that spawn processes import the script again."""
    return "".join(f"    {line}\n" for line in code.splitlines())
