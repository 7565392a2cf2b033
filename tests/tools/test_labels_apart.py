"""Labels that are kept without their texts come back to them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tools import labels_apart

TEXTS = ["李思远在成都。", "没有名字。", "张伟去了青山大学。"]
ROWS = [
    {"text": TEXTS[0], "entities": [[0, 3, "PER"], [4, 6, "LOC"]]},
    {"text": TEXTS[1], "entities": []},
    {"text": TEXTS[2], "entities": [[0, 2, "PER"], [4, 8, "ORG"]]},
]


def run(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", ["labels_apart", *map(str, words)])
    labels_apart.main()


def test_labels_come_back_to_the_texts_that_are_there_and_carry_no_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    labelled, labels, texts, joined = (tmp_path / name for name in ("in.jsonl", "labels.jsonl", "texts", "out.jsonl"))
    labelled.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS), encoding="utf-8")
    run(monkeypatch, "split", labelled, labels)
    assert labels.read_text(encoding="utf-8").isascii()
    texts.write_text("\n".join(["王先生没有标签。", TEXTS[2], TEXTS[0], TEXTS[2]]), encoding="utf-8")
    run(monkeypatch, "join", labels, texts, joined)
    rows = [json.loads(line) for line in joined.read_text(encoding="utf-8").splitlines()]
    assert rows == [ROWS[2], ROWS[0]]
