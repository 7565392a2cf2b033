"""Unlabelled texts: a few lines of a file that may be larger than the memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from edgener_export.training.unlabelled import read_texts


def test_a_few_lines_of_a_large_file_are_evenly_spread_and_the_others_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    lines = [f"{number:05}" + "京" * 100 for number in range(5000)]
    path.write_text("\n".join(lines), encoding="utf-8")
    tracemalloc.start()
    try:
        found = read_texts(path, 4)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == [lines[place] for place in (0, 1250, 2500, 3750)]
    assert peak < path.stat().st_size / 2
    assert read_texts(path, 0) == lines
    assert read_texts(path, 9999) == lines
